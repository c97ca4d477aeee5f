//! Imports from CSV and XLSX: units, the opening list of a campaign, its hamlets, people, and who is
//! assigned where.
//!
//! Every bad row is named with its line and what to change; the good ones are kept apart in the
//! answer and written only when asked to, all of a file's good rows in one go.

pub(crate) mod assignments;
mod csv;
pub(crate) mod faults;
pub(crate) mod file;
pub(crate) mod hamlets;
pub(crate) mod opening;
pub(crate) mod people;
pub(crate) mod returned;
pub(crate) mod rows;
pub(crate) mod table;
pub(crate) mod units;
mod xlsx;
