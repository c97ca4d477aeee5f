//! Every bound the doors enforce, with its unit and the reason for its size.

/// Largest request body as sent, in bytes: an hour of work on a 32 kbit/s line many times over.
pub const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// Largest request body once inflated, in bytes. Form changes compress about fourfold.
pub const REQUEST_INFLATED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest imported file (rosters, hamlets, score tables), in bytes.
///
/// A province's opening list is about 130.000 member rows of 150 bytes: 20 MB.
pub const IMPORT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Largest number of changes in one batch.
///
/// One change is written per saved form page. A day is about 10 households of 5 pages; a phone
/// offline for three days sends 150, and 256 still fits one 64 KiB part.
pub const BATCH_CHANGES_MAX: usize = 256;

/// Largest number of batches in one request; a phone with more work sends several requests.
pub const REQUEST_BATCHES_MAX: usize = 64;

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

/// Most forked changes one decision at the desk may close: their names fit a message.
pub const CLOSES_MAX: usize = 7;

/// Longest text answer, in characters.
pub const TEXT_CHARS_MAX: usize = 4_000;

/// Longest name of an account, a person or a campaign, in characters.
///
/// Names on papers have up to 40; a unique name must also fit PostgreSQL's index row of 2.704 bytes.
pub const NAME_CHARS_MAX: usize = 200;

/// Longest answer key, in bytes.
pub const KEY_BYTES_MAX: usize = 64;

/// Deepest nesting of a CBOR frame.
pub const FRAME_NESTING_MAX: usize = 8;

/// About how many bytes of changes one sync answer carries: one part of a slow line's patience.
pub const ANSWER_BYTES: usize = 256 * 1024;

const _: () = assert!(BATCH_CHANGES_MAX.is_power_of_two());
const _: () = assert!(REQUEST_BYTES_MAX <= REQUEST_INFLATED_BYTES_MAX);
const _: () = assert!(CLOSES_MAX * 33 + 6 <= MESSAGE_BYTES_MAX);
