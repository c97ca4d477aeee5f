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

/// Most changes one household's document may hold.
pub const DOCUMENT_CHANGES_MAX: usize = 2_000;

/// Most bytes of changes one household's document may hold.
pub const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// Most changes of one device that may wait for an ancestor.
pub const WAITING_PER_DEVICE_MAX: i64 = 2_000;

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

/// Longest answer key, in bytes.
pub const KEY_BYTES_MAX: usize = 64;

/// Deepest nesting of a CBOR frame.
pub const FRAME_NESTING_MAX: usize = 8;

/// About how many bytes of changes one sync answer carries: one part of a slow line's patience.
pub const ANSWER_BYTES: usize = 256 * 1024;

const _: () = assert!(BATCH_CHANGES_MAX.is_power_of_two());
const _: () = assert!(REQUEST_BYTES_MAX <= REQUEST_INFLATED_BYTES_MAX);
const _: () = assert!(CLOSES_MAX * 33 + 6 <= MESSAGE_BYTES_MAX);
