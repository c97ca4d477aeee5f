//! The planted bugs of `tests/planted` still fit the code: a patch that no longer applies would
//! show nothing. `tests/planted/run` shows that each is caught.

use std::path::Path;
use std::process::Command;

/// Bugs of the project's list, each of which must be planted, and the guard taken away.
const BUGS: [&str; 17] = [
    "answer-before-commit",
    "synchronous-normal",
    "cursor-from-a-sequence",
    "approve-without-the-root",
    "late-change-merged",
    "drop-on-duplicate-seq",
    "hash-map-order",
    "scope-filter-missing",
    "inflate-without-a-cap",
    "name-in-a-log-line",
    "key-by-hash-alone",
    "guard",
    "sent-on-unseen",
    "everybody-elses-work-too",
    "left-during-a-download",
    "two-in-one-place",
    "one-combination-less",
];

#[test]
fn every_planted_bug_still_fits_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for bug in BUGS {
        let patch = format!("tests/planted/{bug}.patch");
        let text = std::fs::read_to_string(root.join(&patch)).unwrap();
        for line in ["What: ", "Test: "] {
            assert!(text.lines().any(|said| said.starts_with(line)), "{patch} has no `{line}`");
        }
        let mut git = Command::new("git");
        let tried = git.args(["apply", "--check", &patch]).current_dir(root).output();
        let tried = tried.expect("git is there");
        assert!(tried.status.success(), "{patch}: {}", String::from_utf8_lossy(&tried.stderr));
    }
}
