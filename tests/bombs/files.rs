//! The small bombs as files, for whoever tests another server or client with them.
//!
//! Each holds the changes of one bomb, every one with its length of four bytes before it. The large
//! ones are made when they are needed. `RASOAT_WRITE=1` writes the files anew.

use std::path::PathBuf;

use crate::list::BOMBS;

/// Largest bomb that is kept as a file, bytes.
const FILE_BYTES_MAX: usize = 4_096;

#[test]
fn files_are_what_is_made() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("bombs/files");
    let mut kept = 0;
    for bomb in BOMBS {
        let mut bytes = Vec::new();
        for chunk in (bomb.make)() {
            bytes.extend(u32::try_from(chunk.len()).unwrap().to_be_bytes());
            bytes.extend(chunk);
        }
        if bytes.len() > FILE_BYTES_MAX {
            continue;
        }
        kept += 1;
        let file = folder.join(format!("{}.changes", bomb.name));
        if std::env::var_os("RASOAT_WRITE").is_some_and(|write| write == "1") {
            std::fs::write(&file, &bytes).unwrap();
        }
        assert!(std::fs::read(&file).is_ok_and(|kept| kept == bytes), "{} is stale", bomb.name);
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), kept, "a file too many");
}
