//! Every bound the doors enforce, with its unit and the reason for its size.

use crate::bucket::Rate;

/// Largest request body as sent, in bytes: an hour of work on a 32 kbit/s line many times over.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// Largest request body once inflated, in bytes. Form changes compress about fourfold.
pub const REQUEST_INFLATED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest imported file (rosters, hamlets, score tables), in bytes.
///
/// A province's opening list is about 130.000 member rows of 150 bytes: 20 MB.
pub const IMPORT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Largest courier file, in bytes: what eight phones hand in at the end of a campaign, a megabyte of
/// compressed changes of 500 households each. It is taken whole into memory.
pub const COURIER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Most pieces that are looked at in one courier file. Our own client makes them of 64 KiB before
/// compression, so that 8 MiB have some 600.
pub const COURIER_PIECES_MAX: usize = 1024;

/// Largest piece of a courier file behind its clear part, in bytes: the body of one request.
pub const COURIER_PIECE_BYTES_MAX: usize = REQUEST_BYTES_MAX;

/// Largest content of a piece once inflated, in bytes: that of one request.
pub const COURIER_PIECE_INFLATED_BYTES_MAX: usize = REQUEST_INFLATED_BYTES_MAX;

/// Most bytes that all pieces of one courier file come to once inflated: changes compress about
/// fourfold, so an honest file of the largest size has half of it.
pub const COURIER_INFLATED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Largest number of changes in one batch.
///
/// One change is written per saved form page. A day is about 10 households of 5 pages; a phone
/// offline for three days sends 150, and 256 still fits one 64 KiB part.
pub const BATCH_CHANGES_MAX: usize = mobile_schema::frame::BATCH_CHANGES_MAX;

/// Largest number of batches in one request; a phone with more work sends several requests.
pub const REQUEST_BATCHES_MAX: usize = 64;

/// Most versions side by side that a household may have by what devices write: an honest one has as
/// many as devices wrote out of contact, and the next change joins all it has seen. Fewer than a change
/// may build on, so that whoever syncs can always write on.
pub const BRANCHES_MAX: usize = 48;

/// Most that it may have when a person lets in what was held: as many as a change may build on.
pub const BRANCHES_LET_IN_MAX: usize = 64;

/// Largest change chunk once inflated, in bytes. A household of 40 members in one change is 20 KB.
pub const CHANGE_BYTES_MAX: usize = 256 * 1024;

/// Most operations one change may hold. A household of 40 members in one change has 1.200.
pub const CHANGE_OPERATIONS_MAX: usize = 20_000;

/// Most changes one change may build on. An honest client has as many as there are devices.
pub const DEPENDENCIES_MAX: u64 = 64;

/// Most other actors one change may name.
pub const OTHER_ACTORS_MAX: u64 = 64;

/// Longest message of a change, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256;

/// Length of an actor, in bytes.
pub const ACTOR_BYTES: u64 = 16;

/// Largest sequence number and first operation number of a change.
pub const COUNTER_MAX: u64 = 1 << 31;

/// Largest step of a tally: so many of them as a document holds add up within 63 bits.
pub const TALLY_MAX: i64 = 1 << 45;

/// Largest device time, before and after 1970: the library writes differences of times down.
///
/// In seconds or milliseconds it is far beyond every clock; a time is never judged otherwise.
pub const TIME_MAX: u64 = 1 << 61;

/// How far a change may number its operations beyond those it builds on.
///
/// A client that writes at an earlier state leaves out the numbers its document has used since:
/// at most as many as a document holds.
pub const OPERATIONS_AHEAD_MAX: u32 = 100_000;

/// Most operations one household's document may hold: 83 households of 40 members.
pub const DOCUMENT_OPERATIONS_MAX: usize = 100_000;

/// Deepest object of a document, the root being 0. Forms need three: members, member, answer. Whoever
/// walks a document does it on a stack that ends.
pub const DOCUMENT_NESTING_MAX: usize = 8;

/// Most changes one household's document may hold.
pub const DOCUMENT_CHANGES_MAX: usize = 2_000;

/// Most bytes of changes one household's document may hold.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// Most changes of one device that may wait for an ancestor.
pub const WAITING_PER_DEVICE_MAX: i64 = 2_000;

/// Most changes of one household that are held for a person, and most that failed a check, within
/// reach of whoever works on it: as many as may be merged. What comes beyond is kept apart, where
/// nobody's sync reads it; what is held there comes within reach as people decide.
pub const ASIDE_MAX: usize = 2_000;

/// Days that a change may wait for one it builds on, before a person looks at it: longer than the
/// longest offline spell (60 days) by a month.
pub const WAITING_DAYS_MAX: u32 = 90;

/// Most forked changes one decision at the desk may close: their names fit a message.
pub const CLOSES_MAX: usize = 7;

/// Longest text answer, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;

/// Longest name of an account, a person or a campaign, in characters.
///
/// Names on papers have up to 40; a unique name must also fit PostgreSQL's index row of 2.704 bytes.
pub const NAME_CHARS_MAX: usize = 200;

/// Shortest password that somebody may choose, in characters.
pub const PASSWORD_CHARS_MIN: usize = 10;

/// Longest password, in characters: hashing reads all of it.
pub const PASSWORD_CHARS_MAX: usize = 200;

/// Longest answer key, in bytes.
pub const KEY_BYTES_MAX: usize = 64;

/// Deepest nesting of a CBOR frame.
pub const FRAME_NESTING_MAX: usize = 8;

/// Most inflated bytes of one imported file where it comes compressed.
pub const IMPORT_INFLATED_BYTES_MAX: usize = IMPORT_BYTES_MAX;

/// About how many bytes one sync answer has, as sent, where the client does not say.
///
/// Sixteen seconds of a 32 kbit/s line.
pub const ANSWER_BYTES: usize = 64 * 1024;

/// Smallest part of its work that our own client hands in at once, in bytes before compression.
///
/// Only on a line that has just broken: 200 KB in such parts, cut ten times, send a tenth twice.
pub const PART_BYTES_MIN: usize = 4 * 1024;

/// The part our own client begins with: a day's work, 25 form pages.
pub const PART_BYTES: usize = 16 * 1024;

/// The largest: sixteen seconds of a 32 kbit/s line, which is the most that a cut may cost.
pub const PART_BYTES_MAX: usize = 64 * 1024;

/// Smallest answer a client may ask for, in bytes: two seconds of a 32 kbit/s line.
pub const ANSWER_BYTES_MIN: usize = 8 * 1024;

/// Largest answer a client may ask for, in bytes: a second of an office line.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Most bytes of an answer before it is compressed. Documents compress about fivefold.
pub const ANSWER_INFLATED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Longest time an answer is filled for, in milliseconds; what did not fit follows with the next.
///
/// It is well below the time-outs of phones, and 2 MiB of documents take a fraction of it.
pub const ANSWER_FILL_MS: u64 = 2_000;

/// About how many bytes of documents one signed page holds.
///
/// About thirty families; a signature of 64 bytes is a thousandth of it.
pub const PAGE_BYTES: usize = 64 * 1024;

/// Smallest body that is compressed, in bytes: below it a frame's head costs what is saved.
pub const COMPRESS_BYTES_MIN: usize = 300;

/// What one device may use of the server: [`crate::bucket`].
///
/// The burst is all that a phone can hold, 500 households with their changes, handed in eight
/// times over after a server was restored. The refill is 360 changes a second, a thirtieth of what
/// a core takes and thirty times what a 64 kbit/s line carries.
pub const DEVICE_RATE: Rate = Rate { burst: 32 << 20, per_second: 256 << 10 };

/// What all devices of one unit may use together.
///
/// A commune has at most thirty devices. Their refill is a quarter of a core, so that one commune
/// with a broken version of an app leaves the others their server.
pub const UNIT_RATE: Rate = Rate { burst: 256 << 20, per_second: 2 << 20 };

/// What a request costs a bucket beside its bytes: looking its sender and its scope up.
pub const REQUEST_COST: u64 = 1024;

/// What a batch or a change costs beside its bytes: a signature or the walk through its columns.
const BATCH_COST: u64 = 512;

/// Returns what so many bytes of a request, unpacked, cost its sender's bucket.
pub fn bytes_cost(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// What a row of a household's log costs whoever asks about the household.
const ROW_COST: u64 = 64;

/// Returns what so many rows that are looked up cost their asker's bucket.
pub fn rows_cost(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX).saturating_mul(ROW_COST)
}

/// Returns what so many batches and changes cost their sender's bucket.
pub fn signed_cost(signed: usize) -> u64 {
    u64::try_from(signed).unwrap_or(u64::MAX).saturating_mul(BATCH_COST)
}

/// Devices and units whose buckets are remembered: a province has 1.250 and 125.
pub const BUCKETS_MAX: usize = 16 * 1024;

/// Bytes of request bodies held in memory at one time.
///
/// Half of 1.250 devices with a largest part of 64 KiB each, and 24 MiB for the largest bodies.
pub const BODIES_BYTES_MAX: usize = 64 << 20;

/// Bytes of sync answers held in memory until their phones have taken them.
///
/// 2.000 phones on slow lines with an answer of usual size each. Where it runs short, answers are
/// as small as they may be; then phones are told to come back.
pub const ANSWERS_BYTES_MAX: usize = 128 << 20;

/// Sync requests being worked on at one time: more only wait for the one writer and the disk.
pub const SYNCS_MAX: usize = 64;

/// Sync requests that wait for one of those places; others are told to come back.
///
/// 500 first downloads at once, and half of 1.250 devices beside them.
pub const SYNCS_WAITING_MAX: usize = 2_048;

/// Files of offices, as scans, in memory at one time: 10 MB each, apart from the memory for what
/// phones send.
pub const FILES_MAX: usize = 3;

/// Of those, the files of one sender: another's is never shut out by it.
pub const FILES_PER_SENDER_MAX: usize = 2;

/// Requests of one device between its upload and its answer.
///
/// An honest one sends one at a time; those it gave up on may still be worked on.
pub const SYNCS_PER_DEVICE_MAX: usize = 16;

/// Requests that wait for the writer, and bytes of their changes.
pub const QUEUE_REQUESTS_MAX: usize = 512;

/// Bytes of changes that wait for the writer.
pub const QUEUE_BYTES_MAX: usize = 32 << 20;

/// Connections open at one time: three for each device of a province.
pub const CONNECTIONS_MAX: usize = 4_096;

const _: () = assert!(BATCH_CHANGES_MAX.is_power_of_two());
const _: () = assert!(REQUEST_BYTES_MAX <= REQUEST_INFLATED_BYTES_MAX);
const _: () = assert!(CLOSES_MAX * 33 + 6 <= MESSAGE_BYTES_MAX);

/// Most combinations of competing values whose outcomes are worked out for one household: eight
/// answers with two values each. A family's dispute has two to eight; each combination is one
/// classification, so the worst household costs 256 of them, a tenth of a worker's two seconds.
/// Beyond it nothing is guessed: a person decides.
pub const TRIAGE_COMBINATIONS_MAX: usize = 256;

/// Most members that are looked at over all these combinations: 64 with each of 256. A document may
/// hold thousands of members, and a worker has two seconds.
pub const TRIAGE_MEMBERS_MAX: usize = 64 * TRIAGE_COMBINATIONS_MAX;

/// Largest frame a WebSocket client may send, in bytes: a stock client puts all it has of a household
/// into one message, with its heads, its filter and five bytes for each change.
pub const REPO_FRAME_BYTES_MAX: usize = DOCUMENT_BYTES_MAX + 160 * 1024;

/// Bytes that may wait in a WebSocket for its client to take them: one message, which is at most a
/// document with its heads twice, and room for what the protocol answers by itself.
pub const REPO_UNSENT_BYTES_MAX: usize = 2 * DOCUMENT_BYTES_MAX;

/// Pings and the like that a WebSocket client may send in half a minute without saying anything.
pub const REPO_CONTROLS_MAX: usize = 64;

/// Longest name of a peer, in bytes. Clients draw about twenty characters.
pub const PEER_BYTES_MAX: usize = 128;

/// Most heads of a sync message: as many as a document may have changes. Whoever has more than a
/// change may build on is to hear so by name, and the others of its documents are to go on.
pub const SYNC_HEADS_MAX: usize = DOCUMENT_CHANGES_MAX;

/// Most changes asked for in one sync message.
pub const SYNC_NEED_MAX: usize = 256;

/// Most changes a Bloom filter may be made of: five times those of a document.
pub const BLOOM_ENTRIES_MAX: u64 = 10_000;

/// Documents one connection may have open: some 100 bytes each. A province's tablet has 500.
pub const REPO_DOCUMENTS_MAX: usize = 65_536;

/// Messages of one connection that are worked on together: one for each household of a tablet. Those
/// about one household are answered once.
pub const REPO_BATCH_MESSAGES_MAX: usize = 512;

/// Bytes of these messages, after which no further one is added.
pub const REPO_BATCH_BYTES_MAX: usize = 1024 * 1024;

/// WebSocket connections of one device: two applications, each with the line it gave up on.
pub const REPO_SOCKETS_PER_DEVICE_MAX: usize = 4;

/// WebSocket connections open at one time: a province's 1.250 devices and half as many again.
pub const REPO_SOCKETS_MAX: usize = 2_048;

/// Life of a ticket for the standard door, in milliseconds: an hour.
pub const TICKET_MS: i64 = 60 * 60 * 1000;

/// Tickets of one device that are good at one time; the oldest ends when another is issued.
pub const TICKETS_PER_DEVICE_MAX: i64 = 16;
