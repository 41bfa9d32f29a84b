//! Has the crate compiled again when the web UI was built anew.

use std::path::Path;

fn main() {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/dist");
    // What is not there cannot be watched; where nothing can be made, nothing is built either.
    #[expect(
        clippy::disallowed_methods,
        reason = "an empty directory that git ignores"
    )]
    drop(std::fs::create_dir_all(&ui));
    println!("cargo::rerun-if-changed={}", ui.display());
    println!("cargo::rerun-if-changed=build.rs");
}
