//! Households that may be one: the queue of a commune, pairs across communes, and what is decided.
//!
//! Nothing is ever merged but by a person. A match in a unit that the caller does not cover is told
//! as one sentence and nothing else.

mod decide;
mod queue;
mod side;

pub(super) use decide::{Act, Decide, decide};
pub(super) use queue::{Elsewhere, Named, Paired, list, list_across};
pub(super) use side::{Compared, Party, read};

/// Names of the handlers' descriptions, where the routes look for them.
pub(super) use decide::__path_decide;
pub(super) use queue::{__path_list, __path_list_across};
pub(super) use side::__path_read;
