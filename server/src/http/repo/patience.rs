//! How long a client waits where there is no room for it yet.

use std::time::Duration;

use mobile_schema::problem;
use tokio::time::Instant;

use super::End;
use crate::problem::Problem;

/// Longest wait of a client for its turn. Meanwhile nothing is read from it.
const LONGEST: Duration = Duration::from_secs(60);

/// Shortest wait before asking for a turn again.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Waits for room, up to a point.
pub(super) struct Patience(Instant);

impl Patience {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    /// Passes on what was asked for, or waits a while where there was no room: then nothing is
    /// returned.
    pub(super) async fn wait<T>(&self, asked: Result<T, Problem>) -> Result<Option<T>, End> {
        let problem = match asked {
            Ok(given) => return Ok(Some(given)),
            Err(problem) => problem,
        };
        let name = problem.said().1.name;
        let passes = name == problem::TOO_MANY.name || name == problem::TOO_BUSY.name;
        if !passes || self.0.elapsed() > LONGEST {
            return Err(problem.into());
        }
        let wait = Duration::from_millis(problem.wait_ms()).max(ASK_AGAIN);
        tokio::time::sleep(wait.min(LONGEST)).await;
        Ok(None)
    }
}
