//! Makes the files in `schema/` from the types and the forms, for clients in other languages.
//!
//! The files are checked in and a test compares them, so a type cannot change without its schema.
//! After a change: `cargo run -p mobile-schema --features generate --example generate`.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json, json};
use ts_rs::{Config, TS};

use crate::form::{
    AnswerKey, Check, Choice, Condition, Finding, Form, Kind, Label, Objection, Page, Question,
    Range, Scope,
};
use crate::household::{Asked, BLOCKS, Household, SCHEMA_VERSION, Value};
use crate::problem;

/// Dialect of every schema.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Pattern of a partial date; whether the day exists is the form's own check.
const PARTIAL_DATE: &str = "^[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$";

/// Pattern of a random id written as text.
const ID: &str = "^[0-9a-f]{32}$";

/// Note at the head of the TypeScript file.
const TS_HEAD: &str = "\
// Types of the household document, the forms, the wire frames and the problems.
// Generated from the crate mobile-schema; do not edit. See generate.rs there.
";

/// The frames, written out: they are CBOR with byte strings, which no derive describes.
/// A test compares the field names with what the Rust types write.
const TS_FRAMES: &str = r#"
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
"#;

/// Returns every generated file: its name inside `schema/` and its text.
pub fn generated_files() -> Vec<(&'static str, String)> {
    vec![
        ("household.schema.json", pretty(schema_of::<Household>("household"))),
        ("household-document.schema.json", pretty(document_schema())),
        ("form.schema.json", pretty(schema_of::<Form>("form"))),
        ("finding.schema.json", pretty(schema_of::<Finding>("finding"))),
        ("problem.schema.json", pretty(problem_schema())),
        ("problems.json", pretty(problems())),
        ("types.ts", typescript()),
    ]
}

/// Writes JSON with sorted keys, whatever map the build's `serde_json` uses.
fn pretty(json: Json) -> String {
    let text = serde_json::to_string_pretty(&sorted(json)).expect("a JSON value is written");
    text + "\n"
}

fn sorted(json: Json) -> Json {
    match json {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().collect();
            entries.sort_by(|left, right| left.0.cmp(&right.0));
            Json::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Json::Array(parts) => Json::Array(parts.into_iter().map(sorted).collect()),
        other => other,
    }
}

fn schema_of<T: schemars::JsonSchema>(name: &str) -> Json {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    schema["$id"] = json!(id_of(name));
    schema
}

fn id_of(name: &str) -> String {
    format!("urn:rasoat:schema:{SCHEMA_VERSION}:{name}")
}

/// Describes the document as the forms write it: every key with its options and bounds.
fn document_schema() -> Json {
    json!({
        "$schema": DIALECT,
        "$id": id_of("household-document"),
        "title": "HouseholdDocument",
        "description": "What the Automerge document of one household and campaign holds, read as JSON.",
        "type": "object",
        "properties": {
            "schema": { "const": SCHEMA_VERSION },
            "campaign": { "type": "string", "minLength": 1 },
            "household": { "type": "string", "pattern": ID },
            "answers": answers_schema(Scope::Household),
            "b1_items": {
                "type": "object",
                "description": "Points read per item from the handbook, by item code.",
                "additionalProperties": { "type": "integer", "minimum": 0 },
            },
            "members": {
                "type": "object",
                "description": "Members by random id. A member is never deleted but marked `removed`.",
                "patternProperties": { ID: answers_schema(Scope::Member) },
                "additionalProperties": false,
            },
            "asked": asked_schema(),
        },
        "required": ["answers", "asked", "b1_items", "members"],
        "additionalProperties": false,
    })
}

fn asked_schema() -> Json {
    let mark = json!({
        "type": "object",
        "properties": {
            "by": { "type": "string" },
            "answered_by": { "type": "string" },
            "typed_by": { "type": "string" },
            "medium": { "enum": ["paper", "phone"] },
            "day": { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" },
        },
        "additionalProperties": false,
    });
    let marks: Map<String, Json> =
        BLOCKS.iter().map(|block| ((*block).to_owned(), mark.clone())).collect();
    json!({
        "type": "object",
        "description": "Who asked, answered and typed each block.",
        "properties": marks,
        "additionalProperties": false,
    })
}

fn answers_schema(scope: Scope) -> Json {
    let forms = [Form::phieu_a(), Form::phieu_b()];
    let keys = forms.into_iter().flat_map(Form::keys).filter(|key| key.scope == scope);
    let properties: Map<String, Json> =
        keys.map(|key| (key.key.clone(), answer_schema(&key))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn answer_schema(key: &AnswerKey<'_>) -> Json {
    let mut schema = match &key.question.kind {
        Kind::Choice { options } => {
            let codes: Vec<&str> = options.iter().map(|option| option.code.as_str()).collect();
            json!({ "type": "string", "enum": codes })
        }
        Kind::Ticks { .. } | Kind::YesNo => json!({ "type": "boolean" }),
        Kind::Counts { min, max, unit, .. } | Kind::Integer { min, max, unit } => {
            json!({ "type": "integer", "minimum": min, "maximum": max, "$comment": unit })
        }
        Kind::Text { chars_max } => {
            json!({ "type": "string", "minLength": 1, "maxLength": chars_max })
        }
        Kind::PartialDate => json!({ "type": "string", "pattern": PARTIAL_DATE }),
        Kind::Digits { lengths } => {
            let shapes: Vec<String> = lengths.iter().map(|n| format!("[0-9]{{{n}}}")).collect();
            json!({ "type": "string", "pattern": format!("^({})$", shapes.join("|")) })
        }
    };
    let Label { vi, en } = &key.question.label;
    let (title, description) = match key.option {
        None => (vi.clone(), en.clone()),
        Some(Choice { label, .. }) => {
            (format!("{vi}: {}", label.vi), format!("{en}: {}", label.en))
        }
    };
    schema["title"] = json!(title);
    schema["description"] = json!(description);
    schema
}

/// Describes the body of a failed request (RFC 9457) with every published name.
fn problem_schema() -> Json {
    let types: Vec<String> =
        problem::ALL.iter().map(|problem| format!("/problems/{}", problem.name)).collect();
    json!({
        "$schema": DIALECT,
        "$id": id_of("problem"),
        "title": "Problem",
        "description": "Body of a failed request. Branch on `type`; texts may be reworded.",
        "type": "object",
        "properties": {
            "type": { "enum": types },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": ["string", "null"] },
        },
        "required": ["type", "status"],
    })
}

fn problems() -> Json {
    let entries = problem::ALL.iter().map(|one| (one.name, json!({ "vi": one.vi, "en": one.en })));
    Json::Object(entries.map(|(name, texts)| (name.to_owned(), texts)).collect())
}

fn typescript() -> String {
    let config = Config::new().with_large_int("number");
    let mut text = TS_HEAD.to_owned();
    for declared in [
        declare::<Value>(&config),
        declare::<Asked>(&config),
        declare::<Household>(&config),
        declare::<Label>(&config),
        declare::<Scope>(&config),
        declare::<Form>(&config),
        declare::<Page>(&config),
        declare::<Question>(&config),
        declare::<Kind>(&config),
        declare::<Choice>(&config),
        declare::<Check>(&config),
        declare::<Condition>(&config),
        declare::<Range>(&config),
        declare::<Objection>(&config),
        declare::<Finding>(&config),
    ] {
        text.push_str(&declared);
    }
    text.push_str(TS_FRAMES);
    text.push_str(&problem_names());
    // The derive leaves spaces at the ends of lines.
    text.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

fn declare<T: TS>(config: &Config) -> String {
    format!("\n{}export {}\n", T::docs().unwrap_or_default(), T::decl(config))
}

fn problem_names() -> String {
    let names: Vec<String> =
        problem::ALL.iter().map(|problem| format!("  | \"{}\"", problem.name)).collect();
    format!("\n/** Every published problem. */\nexport type ProblemName =\n{};\n", names.join("\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_bytes::{ByteArray, ByteBuf};

    use super::*;
    use crate::{courier, frame};

    #[test]
    fn the_checked_in_files_are_the_generated_ones() {
        for (name, text) in generated_files() {
            let path = format!("{}/schema/{name}", env!("CARGO_MANIFEST_DIR"));
            let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(checked_in == text, "{name} is stale: run the example `generate`");
        }
    }

    #[test]
    fn the_document_schema_knows_every_key_once() {
        let schema = document_schema();
        for (scope, pointer) in [
            (Scope::Household, "/properties/answers/properties".to_owned()),
            (Scope::Member, format!("/properties/members/patternProperties/{ID}/properties")),
        ] {
            let forms = [Form::phieu_a(), Form::phieu_b()];
            let keys = forms.into_iter().flat_map(Form::keys).filter(|key| key.scope == scope);
            let listed = schema.pointer(&pointer).unwrap().as_object().unwrap();
            assert_eq!(listed.len(), keys.count());
        }
    }

    /// The document has the maps that genesis makes and the names that the first page writes:
    /// what nothing reads is not offered.
    #[test]
    fn the_document_schema_offers_nothing_that_genesis_and_the_opening_do_not_make() {
        let schema = document_schema();
        let offered: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        let mut made =
            ["answers", "asked", "b1_items", "campaign", "household", "members", "schema"];
        made.sort_unstable();
        assert_eq!(offered, made);
    }

    /// Every field a frame writes stands in the TypeScript of that frame, and no other.
    #[test]
    fn the_typescript_frames_have_the_fields_of_the_rust_frames() {
        let id = ByteArray::new([0; 16]);
        let hash = ByteArray::new([0; 32]);
        let bytes = ByteBuf::new();
        let new_household = frame::NewHousehold { household: id, hamlet: String::new() };
        let batch =
            frame::Batch { manifest: bytes.clone(), signature: bytes.clone(), chunks: vec![] };
        let row = frame::HouseholdRow {
            document: id,
            household: id,
            code: String::new(),
            unit: String::new(),
            hamlet: String::new(),
        };
        let signed = frame::SignedPage { page: bytes.clone(), signature: bytes.clone() };
        let of_page = frame::PageHousehold {
            document: id,
            household: id,
            code: String::new(),
            bytes: bytes.clone(),
        };
        // What is empty is left out, so nothing is.
        let about = frame::About { actor: id, device_now_ms: 0, app: String::new(), schema: 1 };
        check(
            "SyncRequest",
            &frame::SyncRequest {
                v: 1,
                campaign: id,
                cursor: bytes.clone(),
                batches: vec![batch.clone()],
                all_in: true,
                pages: true,
                answer_bytes: Some(1),
                about: Some(about.clone()),
            },
        );
        check("About", &about);
        check(
            "SyncResponse",
            &frame::SyncResponse {
                v: 1,
                results: vec![frame::BatchResult::Refused(String::new())],
                pages: vec![signed.clone()],
                households: vec![row.clone()],
                changes: vec![(id, bytes.clone())],
                entered: vec![String::new()],
                left: vec![String::new()],
                gone: vec![id],
                cursor: bytes,
                more: true,
                forked: vec![id],
            },
        );
        check("SignedPage", &signed);
        check(
            "Page",
            &frame::Page {
                v: 1,
                campaign: id,
                epoch: id,
                unit: String::new(),
                hamlet: String::new(),
                position: 0,
                households: vec![of_page.clone()],
            },
        );
        check("PageHousehold", &of_page);
        check("Batch", &batch);
        check("Parcel", &courier::Parcel { v: 1, batches: vec![] });
        check("ReceiptFile", &courier::ReceiptFile { rasoat_receipt: 1, receipts: vec![] });
        check(
            "CarriedReceipt",
            &courier::CarriedReceipt {
                manifest: String::new(),
                receipt: String::new(),
                signature: String::new(),
            },
        );
        check("NewHousehold", &new_household);
        check(
            "Manifest",
            &frame::Manifest {
                v: 1,
                device: id,
                campaign: id,
                schema: 1,
                changes: vec![],
                households: vec![],
                typed_by: Some(id),
            },
        );
        check(
            "Receipt",
            &frame::Receipt { manifest: hash, epoch: id, received_at_ms: 0, verdicts: vec![] },
        );
        check("Verdict", &frame::Verdict { fate: frame::Fate::Held, reason: Some(String::new()) });
        check("HouseholdRow", &row);
    }

    fn check(name: &str, frame: &impl serde::Serialize) {
        let json = serde_json::to_value(frame).unwrap();
        let mut written: Vec<String> = json.as_object().unwrap().keys().cloned().collect();
        written.sort();
        let (_, rest) = TS_FRAMES.split_once(&format!("export type {name} = {{")).unwrap();
        let (body, _) = rest.split_once('}').unwrap();
        let mut declared: Vec<String> = body
            .split(';')
            .filter_map(|field| field.split_once(':'))
            .map(|(field, _)| field.trim().trim_end_matches('?').to_owned())
            .collect();
        declared.sort();
        assert_eq!(declared, written, "{name}");
    }
}
