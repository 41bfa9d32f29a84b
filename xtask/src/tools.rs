//! The tools that the project's commands need, and the line that installs each.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{process, repo::Repo};

/// What `cargo install` gets when cargo-deny is missing.
pub(crate) const CARGO_DENY_VERSION: &str = "0.20.2";

/// Programs that tests call, and the package of each.
const LAB_PROGRAMS: &[(&str, &str)] = &[
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("nft", "nftables"),
    ("ping", "iputils-ping"),
    ("strace", "strace"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mkfs.xfs", "xfsprogs"),
];

/// The oldest Node.js that builds the UI.
const NODE_OLDEST: [u32; 2] = [20, 19];

/// Refuses with the installing line when the compiler that builds LanSpread is missing or old.
pub(crate) fn check_builders(repo: &Repo) -> Result<()> {
    check_c_compiler()?;
    let wanted = oldest_rust(&repo.read("Cargo.toml")?)?;
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let printed = process::output(Command::new(rustc).arg("--version")).unwrap_or_default();
    match version(&printed) {
        Some(found) if found >= wanted => Ok(()),
        found => bail!(
            "Rust {}.{} or newer is needed, {}; install it with:\n  rustup update stable",
            wanted[0],
            wanted[1],
            describe(found)
        ),
    }
}

/// Some of the libraries are written in C.
fn check_c_compiler() -> Result<()> {
    let named = std::env::var("CC").unwrap_or_else(|_unset| "cc".to_owned());
    // It may be named with options.
    let program = named.split_whitespace().next().unwrap_or("cc");
    if !is_on_path(program) {
        bail!(
            "the C compiler {program} is missing; install one with:\n  \
             sudo apt-get install -y build-essential"
        );
    }
    Ok(())
}

fn oldest_rust(manifest: &str) -> Result<[u32; 2]> {
    let manifest: toml::Table = manifest.parse().context("Cargo.toml")?;
    let field = |table: &toml::Table, key: &str| table.get(key).cloned();
    field(&manifest, "workspace")
        .and_then(|value| value.get("package")?.get("rust-version").cloned())
        .and_then(|value| version(value.as_str()?))
        .context("Cargo.toml names no workspace.package.rust-version")
}

/// Refuses with the installing line when what builds the web UI is missing or old.
pub(crate) fn check_node() -> Result<()> {
    let printed = process::output(Command::new("node").arg("--version")).unwrap_or_default();
    let found = version(&printed);
    if found.is_none_or(|found| found < NODE_OLDEST) {
        bail!(
            "Node.js {}.{} or newer is needed, {}; install it with:\n  \
             curl -fsSL https://deb.nodesource.com/setup_22.x | sudo bash - \
             && sudo apt-get install -y nodejs",
            NODE_OLDEST[0],
            NODE_OLDEST[1],
            describe(found)
        );
    }
    if !is_on_path("npm") {
        bail!("npm is missing; install it with:\n  sudo apt-get install -y npm");
    }
    Ok(())
}

fn describe(found: Option<[u32; 2]>) -> String {
    match found {
        Some([major, minor]) => format!("this is {major}.{minor}"),
        None => "there is none".to_string(),
    }
}

/// The first two numbers of the first dotted number in a text.
fn version(text: &str) -> Option<[u32; 2]> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let mut numbers = text
        .get(start..)?
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse);
    Some([numbers.next()?.ok()?, numbers.next()?.ok()?])
}

/// The packages that tests lack here, each once.
pub(crate) fn missing_packages() -> Vec<&'static str> {
    let mut packages: Vec<&str> = LAB_PROGRAMS
        .iter()
        .filter(|(program, _)| !is_on_path(program))
        .map(|(_, package)| *package)
        .collect();
    packages.dedup();
    packages
}

/// The line that installs packages.
pub(crate) fn apt_line(packages: &[&str]) -> String {
    format!("sudo apt-get install -y {}", packages.join(" "))
}

/// Whether a program can be started by its name.
pub(crate) fn is_on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    // Administrators' directories are not on everybody's PATH.
    std::env::split_paths(&paths)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|directory| is_file(&directory.join(program)))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file())
}

/// Whether we are the administrator.
pub(crate) fn is_root() -> bool {
    process::output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(
            version("rustc 1.95.0 (59807616e 2026-04-14)"),
            Some([1, 95])
        );
        assert_eq!(version("v20.19.4\n"), Some([20, 19]));
        assert_eq!(version("1.9"), Some([1, 9]));
        assert!(version("1.100.0") > version("1.95.0"));
        assert_eq!(version("none"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn the_workspace_names_its_rust() {
        let manifest = "[workspace.package]\nrust-version = \"1.95\"\n";
        assert_eq!(oldest_rust(manifest).unwrap(), [1, 95]);
        assert!(oldest_rust("[workspace]\n").is_err());
    }

    #[test]
    fn programs_are_found_where_administrators_keep_them() {
        assert!(is_on_path("sh"));
        assert!(!is_on_path("no-such-program-anywhere"));
    }
}
