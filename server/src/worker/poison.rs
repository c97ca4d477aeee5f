//! Marked changes that a worker dies of: how the tests plant what the guard lets nobody send.
//!
//! Only in debug builds, and only in a worker that was started with `--poison`.

use super::Job;

/// A worker meets a change that holds this text and aborts.
const ABORT: &[u8] = b"rasoat-poison-abort";
/// The same, and it never answers.
const HANG: &[u8] = b"rasoat-poison-hang";
/// The same, and it takes memory until it gets no more.
const MEMORY: &[u8] = b"rasoat-poison-memory";

/// Dies of a job's marked change; does nothing where there is none.
pub(crate) fn take(job: &Job) {
    let (changes, side) = match job {
        Job::Stand { changes, side, .. }
        | Job::Read { changes, side, .. }
        | Job::Ledger { changes, side, .. }
        | Job::Together { changes, side, .. } => (changes, &side[..]),
        Job::Answers { changes, .. } | Job::Against { changes, .. } => (changes, &[][..]),
        Job::Settle(settling) => (&settling.changes, &[][..]),
        Job::Write(writing) => (&writing.changes, &[][..]),
        Job::Past { changes, .. } => (changes, &[][..]),
    };
    for change in changes.iter().chain(side) {
        let holds = |mark: &[u8]| change.chunk.windows(mark.len()).any(|window| window == mark);
        if holds(ABORT) {
            std::process::abort();
        }
        if holds(HANG) {
            loop {
                std::hint::spin_loop();
            }
        }
        if holds(MEMORY) {
            exhaust();
        }
    }
}

/// Takes far more than a worker may have. It touches every page, so no promise is enough.
fn exhaust() {
    let taken: Vec<Vec<u8>> = (0..256).map(|_| vec![1; 8 * 1024 * 1024]).collect();
    std::hint::black_box(&taken);
}
