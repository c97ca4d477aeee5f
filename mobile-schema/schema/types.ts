// Types of the household document, the forms, the wire frames and the problems.
// Generated from the crate mobile-schema; do not edit. See generate.rs there.

/**
 * One answer as it travels. A string written as text by another client reads the same.
 */
export type Value = boolean | number | string;

/**
 * Who stands behind one block of answers. Every part may be unknown on old paper.
 */
export type Asked = {
/**
 * Who asked the questions (người hỏi).
 */
by?: string,
/**
 * Who gave the answers (người cung cấp thông tin).
 */
answered_by?: string,
/**
 * Who typed them (người nhập phiếu).
 */
typed_by?: string,
/**
 * `paper` or `phone`.
 */
medium?: string,
/**
 * Day on the form, `YYYY-MM-DD`, as the asker wrote it.
 */
day?: string, };

/**
 * One family's answers, as far as they are agreed.
 */
export type Household = {
/**
 * Answers about the household as a whole.
 */
answers: { [key in string]: Value },
/**
 * Points read per item from the handbook, where B1 is taken by item.
 */
b1_items: Record<string, number>,
/**
 * Members by random id of 32 hex digits. One with the key `removed` no longer counts.
 */
members: { [key in string]: { [key in string]: Value } },
/**
 * Who asked, answered and typed each block of the form.
 */
asked: { [key in string]: Asked }, };

/**
 * A text in both languages of the interface.
 */
export type Label = {
/**
 * Vietnamese, shown first.
 */
vi: string,
/**
 * English.
 */
en: string, };

/**
 * Whose answers a key belongs to: the household's or one member's.
 */
export type Scope = "household" | "member";

/**
 * One form (phiếu): pages of questions with a version of their own.
 */
export type Form = {
/**
 * Stable code, `phieu-a` or `phieu-b`.
 */
code: string,
/**
 * Raised whenever a question, an option or a rule changes.
 */
version: number,
/**
 * Title as printed.
 */
title: Label,
/**
 * The instrument the form comes from, and how it was read.
 */
source: string,
/**
 * Whether the whole form was compared with the printed one.
 */
verified: boolean,
/**
 * Pages in the order they are asked.
 */
pages: Array<Page>, };

/**
 * One page: what is saved together, as one change of the document.
 */
export type Page = {
/**
 * Code of the page, unique within the form.
 */
code: string,
/**
 * Block whose `asked` mark is written with the page; one of [`crate::household::BLOCKS`].
 */
block: string,
/**
 * Whose answers the page takes.
 */
scope: Scope,
/**
 * Heading.
 */
title: Label,
/**
 * Questions in the order they are asked.
 */
questions: Array<Question>, };

/**
 * One question and everything needed to ask it.
 */
export type Question = {
/**
 * Key of the answer, or its first part where the kind has options of its own.
 */
code: string,
/**
 * The question as read aloud.
 */
label: Label,
/**
 * What an answer looks like.
 */
kind: Kind,
/**
 * Whether a finished form needs it (where it is asked at all).
 */
required?: boolean,
/**
 * Asked only where this holds. An answer not given holds nothing, an unknown age everything.
 */
ask_if?: Condition,
/**
 * What should be true of the answer beside its bounds.
 */
checks?: Array<Check>,
/**
 * Help for the enumerator.
 */
hint?: Label,
/**
 * Whether wording and codes were read in the legal text.
 */
verified: boolean,
/**
 * Where the question comes from, if not the source of the form.
 */
source?: string, };

/**
 * What an answer looks like.
 */
export type Kind = { "type": "choice",
/**
 * The options, in the order shown.
 */
options: Array<Choice>, } | { "type": "ticks",
/**
 * The options, in the order shown.
 */
options: Array<Choice>, } | { "type": "counts",
/**
 * The options, in the order shown.
 */
options: Array<Choice>,
/**
 * Unit of every number.
 */
unit: string,
/**
 * Smallest plausible number.
 */
min: number,
/**
 * Largest plausible number.
 */
max: number, } | { "type": "integer",
/**
 * Smallest plausible number.
 */
min: number,
/**
 * Largest plausible number.
 */
max: number,
/**
 * Unit of the number.
 */
unit: string, } | { "type": "yes_no" } | { "type": "text",
/**
 * Longest text, in characters.
 */
chars_max: number, } | { "type": "partial_date" } | { "type": "digits",
/**
 * Lengths that exist.
 */
lengths: Array<number>, };

/**
 * One option of a question.
 */
export type Choice = {
/**
 * The code that is stored.
 */
code: string,
/**
 * The option as read aloud.
 */
label: Label,
/**
 * Of an outcome: nobody needs to come back to this family.
 */
final?: boolean,
/**
 * Of an outcome: the family was surveyed and can be classified.
 */
surveyed?: boolean,
/**
 * Of an outcome: the family leaves the list.
 */
leaves?: boolean,
/**
 * Of a material: it counts as durable.
 */
durable?: boolean, };

/**
 * Something that should be true once a question is answered.
 */
export type Check = {
/**
 * Stable name of the objection, kebab-case.
 */
code: string,
/**
 * What should hold.
 */
must: Condition,
/**
 * What to say where it does not.
 */
text: Label, };

/**
 * A statement about answers, spelled like the rules of the standards but answering yes or no
 * only. A member's question may also read the household's answers.
 */
export type Condition = { "all": Array<Condition> } | { "any": Array<Condition> } | { "not": Condition } | { "in": {
/**
 * Key of the answer.
 */
key: string,
/**
 * Codes that hold.
 */
values: Array<string>, } } | { "is": {
/**
 * Key of the answer.
 */
key: string,
/**
 * The answer that holds.
 */
value: boolean, } } | { "int": {
/**
 * Key of the answer.
 */
key: string,
/**
 * Smallest number in the range.
 */
at_least?: number,
/**
 * Smallest number above the range.
 */
below?: number, } } | { "age": Range };

/**
 * A range of whole numbers, open where a bound is absent.
 */
export type Range = {
/**
 * Smallest number in the range.
 */
at_least?: number,
/**
 * Smallest number above the range.
 */
below?: number, };

/**
 * Why an answer does not look right. It is shown and recorded; it never refuses the answer.
 */
export type Objection = {
/**
 * Stable name, kebab-case.
 */
code: string,
/**
 * What to tell the person.
 */
text: Label, };

/**
 * An objection and the answer it is about.
 */
export type Finding = {
/**
 * The member concerned; none where it is the household.
 */
member?: string,
/**
 * Key of the answer.
 */
key: string,
/**
 * What is wrong with it.
 */
objection: Objection, };

/** What a phone sends to POST /v1/sync (CBOR). Ids are byte strings of 16, hashes of 32. */
export type SyncRequest = {
  v: number;
  campaign: Uint8Array;
  cursor: Uint8Array;
  batches?: Array<Batch>;
  all_in?: boolean;
  pages?: boolean;
  answer_bytes?: number;
  about?: About;
};

/** What a phone says about itself: the actor it writes under, its clock (UTC), app and form version. */
export type About = { actor: Uint8Array; device_now_ms: number; app: string; schema: number };

/** Changes of one device with the signed manifest that names them; manifest is CBOR of Manifest. */
export type Batch = { manifest: Uint8Array; signature: Uint8Array; chunks: Array<Uint8Array> };

/** What a device signs: document id and change hash of each chunk, in order. */
export type Manifest = {
  v: number;
  device: Uint8Array;
  campaign: Uint8Array;
  schema: number;
  changes: Array<[Uint8Array, Uint8Array]>;
  households: Array<NewHousehold>;
  typed_by?: Uint8Array;
};

/** What one piece of a courier file holds under its seal (gzip of CBOR), see WIRE.md. */
export type Parcel = { v: number; batches: Array<Batch> };

/** What goes back to phones whose work was carried: a JSON file, bytes in hexadecimal digits. */
export type ReceiptFile = { rasoat_receipt: number; receipts: Array<CarriedReceipt> };

/** A receipt as POST /v1/sync gives it, with the SHA-256 of the manifest it is for. */
export type CarriedReceipt = { manifest: string; receipt: string; signature: string };

/** A household a phone registered itself. */
export type NewHousehold = { household: Uint8Array; hamlet: string };

/** What the server answers; empty lists and false are left out. `changes` are pairs of document id and change chunk. */
export type SyncResponse = {
  v: number;
  results?: Array<BatchResult>;
  pages?: Array<SignedPage>;
  households?: Array<HouseholdRow>;
  changes?: Array<[Uint8Array, Uint8Array]>;
  entered?: Array<string>;
  left?: Array<string>;
  gone?: Array<Uint8Array>;
  cursor: Uint8Array;
  more?: boolean;
  forked?: Array<Uint8Array>;
};

/** Households that came into scope; page is CBOR of Page, the signature the server's. */
export type SignedPage = { page: Uint8Array; signature: Uint8Array };

/** Households of one hamlet, whole: each document has every change up to the position, or more. */
export type Page = {
  v: number;
  campaign: Uint8Array;
  epoch: Uint8Array;
  unit: string;
  hamlet: string;
  position: number;
  households: Array<PageHousehold>;
};

/** One household of a page; bytes are what Automerge.load takes. */
export type PageHousehold = {
  document: Uint8Array;
  household: Uint8Array;
  code: string;
  bytes: Uint8Array;
};

/** A signed receipt, or the stable name of why the batch was refused whole; receipt is CBOR of Receipt. */
export type BatchResult =
  | { receipt: { receipt: Uint8Array; signature: Uint8Array } }
  | { refused: string };

/** The server's word that it holds what it names. One verdict for each change of the manifest. */
export type Receipt = {
  manifest: Uint8Array;
  epoch: Uint8Array;
  received_at_ms: number;
  verdicts: Array<Verdict>;
};

/** What became of one change. */
export type Verdict = { fate: Fate; reason?: string };

/** The fates of a change that arrived in a readable, signed batch. */
export type Fate = "accepted" | "known" | "waiting" | "held" | "quarantined";

/** Where a household belongs, as the server has it. */
export type HouseholdRow = {
  document: Uint8Array;
  household: Uint8Array;
  unit: string;
  hamlet: string;
  code: string;
};

/** Every published problem. */
export type ProblemName =
  | "unauthenticated"
  | "sign-in-failed"
  | "token-refused"
  | "forbidden"
  | "not-found"
  | "method-not-allowed"
  | "body-malformed"
  | "body-too-large"
  | "query-malformed"
  | "account-exists"
  | "code-refused"
  | "device-revoked"
  | "device-unknown"
  | "campaign-unknown"
  | "campaign-closed"
  | "frame-malformed"
  | "frame-version"
  | "cursor-malformed"
  | "batch-too-large"
  | "manifest-malformed"
  | "signature-refused"
  | "change-too-large"
  | "change-malformed"
  | "change-hash-mismatch"
  | "change-kind-refused"
  | "change-dependencies"
  | "change-actor"
  | "change-broken"
  | "change-unmergeable"
  | "document-broken"
  | "operations-ahead"
  | "document-foreign"
  | "document-too-large"
  | "hamlet-unknown"
  | "hamlet-not-assigned"
  | "list-frozen"
  | "schema-newer"
  | "actor-forked"
  | "actor-foreign"
  | "ticket-expired"
  | "ticket-refused"
  | "upgrade-needed"
  | "repo-message-malformed"
  | "repo-sender-other"
  | "repo-version"
  | "repo-replaced"
  | "repo-too-many-documents"
  | "change-left-out"
  | "branches-too-many"
  | "ancestor-held"
  | "ancestor-missing"
  | "waiting-too-many"
  | "household-key-malformed"
  | "household-unknown"
  | "heads-unknown"
  | "settle-unreadable"
  | "reason-missing"
  | "list-has-disputes"
  | "list-has-missing-outcomes"
  | "list-has-unclassified"
  | "list-devices-silent"
  | "list-root-stale"
  | "list-state"
  | "list-own-work"
  | "list-has-aside"
  | "list-counts-missing"
  | "decision-incomplete"
  | "import-columns"
  | "import-rows"
  | "import-after-work"
  | "file-kind"
  | "file-encoding"
  | "file-damaged"
  | "file-inflates"
  | "layout-refused"
  | "table-refused"
  | "standard-unknown"
  | "unit-unknown"
  | "too-many"
  | "too-busy"
  | "store-busy"
  | "store-failed"
  | "region-unknown"
  | "standard-not-in-force"
  | "too-slow"
  | "encoding-unsupported"
  | "typed-by-unknown"
  | "person-disabled"
  | "refresh-unsigned"
  | "device-needed"
  | "report-incomplete"
  | "report-not-closed"
  | "preliminary-number"
  | "column-not-posted"
  | "code-closed"
  | "household-moved"
  | "four-eyes-missing"
  | "countersign-refused"
  | "paper-misfits"
  | "paper-empty"
  | "paper-missing"
  | "second-entry-own"
  | "second-entry-done"
  | "sample-size"
  | "sample-seed"
  | "sample-drawn"
  | "sample-finding"
  | "household-not-listed"
  | "household-has-outcome"
  | "no-class-to-keep"
  | "kin-itself"
  | "kin-unknown"
  | "kin-circle"
  | "kin-too-late"
  | "nothing-to-undo"
  | "handover-same-unit"
  | "handover-day"
  | "handover-open"
  | "handover-none"
  | "handover-stale"
  | "handover-alone"
  | "register-own"
  | "register-goes-on"
  | "comment-text"
  | "comment-unknown"
  | "scan-kind"
  | "scan-too-large"
  | "scan-unknown"
  | "deadline-refused"
  | "table-own-work"
  | "table-stale"
  | "table-not-pending"
  | "target-stale"
  | "target-unreadable"
  | "password-own"
  | "password-short"
  | "password-differs"
  | "password-none"
  | "account-own"
  | "sample-finding-moved"
  | "sample-finding-missing"
  | "second-entry-settled"
  | "second-entry-household"
  | "merge-itself"
  | "merge-chain"
  | "merge-too-many"
  | "merge-other-unit"
  | "merge-members"
  | "merge-choice"
  | "paper-date"
  | "merge-listed"
  | "merge-none"
  | "courier-empty"
  | "courier-other-server"
  | "courier-version"
  | "courier-piece-cut"
  | "courier-piece-damaged"
  | "courier-piece-too-large"
  | "courier-stray"
  | "scans-too-many";
