//! Everything stock clients produce is let through, and merged with nothing left out.
//!
//! `tests/node/documents.mjs` writes documents of the npm clients into the folder that
//! `RASOAT_JS_DOCUMENTS` names; some of them are in the corpus and always there.

use std::path::{Path, PathBuf};

use automerge::{Automerge, Change};
use shared::guard::guard;
use shared::merge::merge;

use crate::corpus;

/// Documents of Rust clients that are made here.
const DOCUMENTS: u64 = 400;

fn assert_all_pass(what: &str, chunks: &[Vec<u8>]) {
    let mut inflated = Vec::new();
    for chunk in chunks {
        let change = Change::from_bytes(chunk.clone()).unwrap();
        let told = || format!("{what}, change {} of {:?}", change.seq(), change.actor_id());
        let passed = guard(chunk).unwrap_or_else(|why| panic!("{}: {why}", told()));
        assert_eq!(passed.hash().0, change.hash().0, "{}", told());
        assert_eq!(passed.chunk(), change.raw_bytes(), "{}", told());
        assert_eq!(usize::try_from(passed.operations()).unwrap(), change.len(), "{}", told());
        assert_eq!(u64::from(passed.first_operation()), change.start_op().get(), "{}", told());
        inflated.push(passed.chunk().to_vec());
    }
    let merged = merge(&inflated);
    assert_eq!((merged.waiting, merged.forked), (vec![], vec![]), "{what}");
    assert!(merged.broken.is_empty() || !loads_again(&inflated), "{what}: {:?}", merged.broken);
}

/// Tells whether the library can load what it saves of these changes. The 2.2 line writes ends of
/// marks before their beginnings now and then, and then it cannot.
fn loads_again(chunks: &[Vec<u8>]) -> bool {
    let mut doc = Automerge::new();
    let changes = chunks.iter().map(|chunk| Change::from_bytes(chunk.clone()).unwrap());
    doc.apply_changes(changes.collect::<Vec<_>>()).unwrap();
    Automerge::load(&doc.save_nocompress()).is_ok()
}

fn assert_files_pass(folder: &Path) -> usize {
    let files = corpus::files(folder);
    for file in &files {
        let chunks = corpus::framed(&std::fs::read(file).unwrap());
        assert_all_pass(&file.display().to_string(), &chunks);
    }
    files.len()
}

#[test]
fn javascript_clients_of_both_lines_pass() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    assert!(assert_files_pass(&corpus) >= 18, "the corpus is there");
    let Some(folder) = std::env::var_os("RASOAT_JS_DOCUMENTS").map(PathBuf::from) else {
        assert!(std::env::var_os("REQUIRE_NODE").is_none(), "RASOAT_JS_DOCUMENTS is not set");
        eprintln!("skipped: no fresh documents of JavaScript clients (RASOAT_JS_DOCUMENTS)");
        return;
    };
    eprintln!("{} documents", assert_files_pass(&folder));
}

#[test]
fn rust_clients_pass() {
    for seed in 0..DOCUMENTS {
        let count = u8::try_from(1 + seed % 5).unwrap();
        assert_all_pass(&format!("seed {seed}"), &corpus::people(seed, count, 20));
    }
    assert_all_pass("forty people", &corpus::people(DOCUMENTS, 40, 150));
}
