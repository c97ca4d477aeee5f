//! The demonstration: a whole campaign of simulated phones through the real line.

pub mod population;
