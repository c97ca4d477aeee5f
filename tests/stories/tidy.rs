//! Rules about the code, checked like any other behaviour.

use std::path::{Path, PathBuf};

/// Most lines of a file, its inline tests aside. Two screens of reading and then some.
const FILE_LINES_MAX: usize = 400;

/// SHA-256 of each released migration: a new one is added, an old one never edited.
const MIGRATIONS: [(&str, &str); 21] = [
    ("0001_line.sql", "4facab7153b15c2be445f425a59fd1db6e8828a779c4e6c889221c90aae007d5"),
    ("0002_snapshot.sql", "805b60a2a9552a798c7c23e8da7e914960335fb39411cc0f2773cdc6f4e1f7cd"),
    ("0004_device.sql", "67ee0373f5641ac82229be9213f51cc0d6c7fb6b8081b47a9441638972cedcdc"),
    ("0005_walk.sql", "fc559886871dec6cfe21773547a73b8f77b16ee782f98c230ce6f96c95dec751"),
    ("0006_paper.sql", "83b93c372348a38f822d3d581e089f60eaf5b5321ead675dc847bb5fd0d4ae4f"),
    ("0007_district.sql", "2154de4e33669d3fa62f2e017bb80e21ad661d90c5037eac4e3393a39922c4c3"),
    ("0008_preliminary.sql", "befb2009928f6cfd33d79e39bfcc43f479353c0cfcd5e4ca37d01b5fe84729ef"),
    ("0009_tables.sql", "69c2d702bc2bc6b86ba27710553929ad2e4f352d47184f2e56cb14b21afe65a8"),
    ("0010_province.sql", "478636ad60b53a5c243d29cc7f40884b2090ddfbb30195669c0aa51c280b70b4"),
    ("0011_posted_list.sql", "09607e6869b2782a4ce106e75b8733d9f5cb4b49f661c6861af9fdf49519c9e4"),
    ("0012_four_eyes.sql", "9f0e049bd4007215c17eae02e3ae8dad46416faa7600c15a0ae743ffd59828a2"),
    ("0013_duplicate.sql", "aa2a6a8181219d8929de58a626d24f47b9ea7010adac0c8f346a1eead655e703"),
    ("0014_register.sql", "18e99f62de97b74deebd7bb6da35ab33bda9efe597346928bcbaa17b139f2ca2"),
    ("0015_marks.sql", "42a6c6c113a0802ce866a4f35f88b6af6e9964a66da31cb9d25c5dc88d89b27d"),
    ("0016_repo.sql", "0246754eedd36fd0046e509052c18d8f0775b3ff5017064a1221ff4d6bbf4ea0"),
    ("0017_handover.sql", "9d889b736b229c32c9bf38bcf37a6e31b2e3a24abb2e00c9dff867d2016fb668"),
    ("0018_courier.sql", "9ebc6f9b2e06d0cdb46cfd10d59f9e68ccc26d9c1bf86f889f68e26360f77df9"),
    ("0019_moved_together.sql", "eb8ca8148d0bcb7a010bc2af153c912a158779a5639c89efcc0a1abc12a6ff17"),
    ("0020_signed.sql", "b953186ec3eb2894d31867e909cbf18bcef63e83bd3a8073fe2db8ba5cbce1c1"),
    ("0021_moved.sql", "6fddf93b43510f8448b6007a271731392fbc3c6f8a64c76089d76d5e6cb5bc8f"),
    ("0022_beyond.sql", "2ac7eb5ed4fe3bd57c3ce50f8d9c3adac68d4086d4d577f585538d46d2ad237e"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The part before the inline tests.
    fn code(&self) -> &str {
        self.text.split("\n#[cfg(test)]").next().unwrap()
    }
}

fn sources(folder: &str, ending: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root()).unwrap().display().to_string();
                found.push(Source { path, text });
            }
        }
    }
    assert!(!found.is_empty(), "nothing in {folder}");
    found
}

fn rust() -> Vec<Source> {
    ["mobile-schema", "shared/src", "server/src", "tests"]
        .into_iter()
        .flat_map(|folder| sources(folder, ".rs"))
        .collect()
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    for file in rust() {
        let lines = file.code().lines().count();
        assert!(lines <= FILE_LINES_MAX, "{}: {lines} lines", file.path);
        assert!(file.text.starts_with("//!"), "{}: no header", file.path);
    }
}

#[test]
fn shared_and_schema_do_no_io_and_know_no_time() {
    let banned = [
        "std::fs",
        "std::net",
        "std::env",
        "SystemTime",
        "Instant::now",
        "tokio",
        "sqlx",
        "axum",
        "getrandom",
        "rand::",
    ];
    for folder in ["shared/src", "mobile-schema/src"] {
        for file in sources(folder, ".rs") {
            for word in banned {
                let code = file.code().lines().filter(|line| !line.trim_start().starts_with("//"));
                for line in code {
                    assert!(!line.contains(word), "{}: `{word}` belongs in the server", file.path);
                }
            }
        }
    }
}

#[test]
fn dependencies_point_one_way() {
    let manifest = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    for banned in ["shared", "automerge", "tokio", "axum", "sqlx"] {
        assert!(!manifest("mobile-schema/Cargo.toml").contains(&format!("\n{banned}")), "{banned}");
    }
    for banned in ["server", "tokio", "axum", "sqlx", "getrandom"] {
        assert!(!manifest("shared/Cargo.toml").contains(&format!("\n{banned}")), "{banned}");
    }
    assert!(!manifest("server/Cargo.toml").contains("\ntests"));
}

#[test]
fn only_the_population_knows_the_targets() {
    let population = "server/src/demo/population";
    for file in sources("server/src", ".rs").into_iter().chain(sources("shared/src", ".rs")) {
        if file.path.starts_with(population) {
            continue;
        }
        for figure in ["180559", "180_559", "16512", "16_512", "10449", "10_449", "11384", "11_384"]
        {
            let in_tests = file.path.ends_with("aggregate.rs");
            assert!(in_tests || !file.code().contains(figure), "{}: {figure}", file.path);
        }
        // Whoever carries out the campaign hands the targets over and reads nothing in them.
        for field in ["targets.all", "targets.dtts", "targets.districts", "scaled("] {
            assert!(!file.code().contains(field), "{}: reads {field}", file.path);
        }
    }
}

#[test]
fn every_story_is_listed() {
    let main = std::fs::read_to_string(root().join("tests/stories/main.rs")).unwrap();
    for entry in std::fs::read_dir(root().join("tests/stories")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|ending| ending == "rs") && name != "main" {
            assert!(main.contains(&format!("mod {name};")), "{name} is not listed");
        }
    }
}

#[test]
fn released_migrations_are_unchanged() {
    let mut names: Vec<String> = std::fs::read_dir(root().join("server/migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, MIGRATIONS.map(|(name, _)| name.to_owned()));
    for (name, digest) in MIGRATIONS {
        let text = std::fs::read(root().join("server/migrations").join(name)).unwrap();
        assert_eq!(shared::id::to_hex(&shared::id::sha256(&text)), digest, "{name}");
    }
}

#[test]
fn nothing_is_left_open_or_names_a_machine() {
    for file in rust() {
        if file.path.ends_with("tidy.rs") {
            continue;
        }
        for word in
            ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!(", "/work/", "/home/", "/root/"]
        {
            assert!(!file.text.contains(word), "{}: {word}", file.path);
        }
    }
}

/// The description that is served is the one that is checked in.
///
/// `RASOAT_WRITE=1 cargo test -p tests --test stories openapi` writes it anew.
#[test]
fn the_checked_in_openapi_document_is_current() {
    let file = root().join("server/openapi.json");
    let made = server::http::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("RASOAT_WRITE").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == made, "server/openapi.json is old: see the comment of this test");
    assert!(made.contains("\"openapi\": \"3.1.0\""));
}
