//! The demonstration: a whole campaign of simulated phones through the real line.
//!
//! Phones and offices here speak only HTTP, like everybody else: nothing reaches round the doors.

pub mod client;
pub mod fleet;
pub mod office;
pub mod phone;
pub mod population;
