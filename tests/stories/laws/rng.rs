//! The seeded generator of the laws is that of the whole suite.

pub(super) use tests::rng::Rng;
