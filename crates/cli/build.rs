//! The manifest of the Windows program: long paths, UTF-8, no elevation.

use embed_manifest::{embed_manifest, new_manifest};

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_WINDOWS").is_some() {
        // What this maker writes by default: paths longer than 260, UTF-8, as the person who
        // starts it, and every Windows that there is.
        embed_manifest(new_manifest("LanSpread"))?;
    }
    Ok(())
}
