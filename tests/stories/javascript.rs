//! What a JavaScript client writes reads the same here.
//!
//! `tests/node/genesis.mjs` writes the chunks with the npm automerge into the folder that
//! `RASOAT_JS_CHANGES` names; without it there is nothing to read and the story is skipped.

use std::collections::BTreeMap;
use std::path::PathBuf;

use mobile_schema::household::Household;
use serde::Deserialize;
use shared::guard::guard;
use shared::merge::merge;
use shared::resolve::resolve;

/// What the script says its changes come to.
#[derive(Debug, Deserialize)]
struct Expected {
    household: Household,
    disputes: BTreeMap<String, Vec<String>>,
    heads: Vec<String>,
}

#[test]
fn changes_of_a_javascript_client_read_as_it_wrote_them() {
    let Some(folder) = std::env::var_os("RASOAT_JS_CHANGES").map(PathBuf::from) else {
        assert!(std::env::var_os("REQUIRE_NODE").is_none(), "RASOAT_JS_CHANGES is not set");
        eprintln!("skipped: no changes of a JavaScript client (RASOAT_JS_CHANGES)");
        return;
    };
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    let mut chunks = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "change") {
            // The door takes it, inflated where JavaScript deflated it.
            chunks.push(guard(&std::fs::read(path).unwrap()).unwrap().chunk().to_vec());
        }
    }
    assert!(chunks.len() >= 4, "{} chunks", chunks.len());

    let merged = merge(&chunks);
    assert!(merged.waiting.is_empty() && merged.forked.is_empty() && merged.broken.is_empty());
    let resolved = resolve(&merged.doc);
    assert_eq!(resolved.household, expected.household);
    assert_eq!(resolved.schema, Some(1));
    assert_eq!(resolved.flags, []);
    let mut heads: Vec<String> = resolved.heads.iter().map(ToString::to_string).collect();
    heads.sort();
    assert_eq!(heads, expected.heads);
    let disputes: BTreeMap<String, Vec<String>> = resolved
        .disputes
        .iter()
        .map(|dispute| {
            let values = dispute.values.iter().flat_map(|side| &side.value);
            let texts = values.filter_map(|value| value.as_text()).map(ToOwned::to_owned);
            (dispute.path.to_string(), texts.collect())
        })
        .collect();
    assert_eq!(disputes, expected.disputes);
}
