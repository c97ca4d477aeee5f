//! Finds households that may have been registered twice. It only ever asks a person to look.
//!
//! Nothing here sees a name or a number: [`keys_of`] turns a household into keyed fingerprints,
//! made by whoever holds the key, and everything after that compares fingerprints for equality. What
//! is kept of a household for matching is therefore of no use without the key, which no database has.
//!
//! The rule was written against a model of how people really write a family down twice (`tests`,
//! `duplicates`): nearly everybody is called Hồ, many were born on 1 January, numbers are missing.
//! A name and a year alone are therefore never enough: a second member or the relation must match too.
//!
//! Source: practice of the field (unverified), see `LEGAL.md`, "Names".

mod find;
mod judge;
mod keys;
mod name;
mod number;

pub use self::find::{Found, Placed, find};
pub use self::judge::{Grounds, Likely, Matched, judge, judge_members};
pub use self::keys::{Born, HouseholdKeys, MEMBERS_COMPARED_MAX, MemberKeys, NameKeys, keys_of};
pub use self::number::{NumberWarning, number_warnings};
