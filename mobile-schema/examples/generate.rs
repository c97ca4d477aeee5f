//! Writes the generated schema files into the crate's folder `schema/`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    std::fs::create_dir_all(&folder)?;
    for (name, text) in mobile_schema::generate::generated_files() {
        std::fs::write(folder.join(name), text)?;
    }
    Ok(())
}
