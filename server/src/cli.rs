//! The command line: one binary, every command with an example in its help.

pub mod serve;
