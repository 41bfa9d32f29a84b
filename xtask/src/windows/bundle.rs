//! The archive that people unpack on a Windows PC: the program, how to start it, the licences.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::{TARGET, directory};
use crate::{process, repo::Repo};

/// The directory inside the archive.
const NAME: &str = "LanSpread";
const README: &str = include_str!("README.txt");
const OWN_LICENCES: &[&str] = &["LICENSE-APACHE", "LICENSE-MIT"];
/// How files begin in which a crate keeps its licence.
const LICENCE_NAMES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

/// A crate that is in the program.
#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
    source: Option<String>,
}

/// Writes the archive anew.
pub(super) fn write(repo: &Repo, program: &Path, archive: &Path) -> Result<()> {
    let staging = directory(repo).join("bundle");
    let inside = staging.join(NAME);
    for old in [&staging, archive] {
        remove(old)?;
    }
    fs::create_dir_all(&inside).context("making the bundle's directory")?;
    fs::copy(program, inside.join("lanspread.exe")).context("copying the program")?;
    for name in OWN_LICENCES {
        fs::write(inside.join(format!("{name}.txt")), crlf(&repo.read(name)?))?;
    }
    fs::write(inside.join("README.txt"), crlf(README))?;
    let licences = licences(&packages(repo)?)?;
    fs::write(inside.join("THIRD-PARTY.txt"), crlf(&licences))?;
    let mut zip = Command::new("zip");
    zip.args(["-q", "-9", "-X", "-r"]).arg(archive).arg(NAME);
    if !process::succeeds(zip.current_dir(&staging))? {
        bail!("zip failed");
    }
    Ok(())
}

fn remove(old: &Path) -> Result<()> {
    let removed = match old.symlink_metadata() {
        Ok(found) if found.is_dir() => fs::remove_dir_all(old),
        Ok(_) => fs::remove_file(old),
        Err(_nothing) => Ok(()),
    };
    removed.with_context(|| format!("removing {}", old.display()))
}

/// The crates of others that are linked into the program.
fn packages(repo: &Repo) -> Result<Vec<Package>> {
    let edges = ["--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let mut tree = process::cargo(repo.root(), ["tree", "--locked", "--target", TARGET]);
    tree.args(["--package", "lanspread-cli"]).args(edges);
    let tree = process::output(&mut tree).context("cargo tree failed")?;
    let linked: BTreeSet<(&str, &str)> = tree.lines().filter_map(name_and_version).collect();
    let format = ["metadata", "--locked", "--format-version", "1"];
    let printed = process::output(&mut process::cargo(repo.root(), format));
    let printed = printed.context("cargo metadata failed")?;
    let mut all: serde_json::Value = serde_json::from_str(&printed).context("cargo metadata")?;
    let all = all.get_mut("packages").map(serde_json::Value::take);
    let mut packages: Vec<Package> = serde_json::from_value(all.unwrap_or_default())?;
    packages.retain(|package| {
        package.source.is_some() && linked.contains(&(&package.name, &package.version))
    });
    if packages.is_empty() {
        bail!("cargo names no packages");
    }
    Ok(packages)
}

/// Out of a line like `name v1.2.3 (more)`.
fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

/// Every crate with its licence, then each text once with those it is from.
fn licences(packages: &[Package]) -> Result<String> {
    let mut page = String::from("LanSpread is built with the works of others.\n\n");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages {
        let title = format!("{} {}", package.name, package.version);
        let licence = package.license.as_deref().unwrap_or("see its text below");
        writeln!(page, "{title}: {licence}")?;
        let directory = package.manifest_path.parent().unwrap_or(Path::new("."));
        for text in texts_in(directory)? {
            texts.entry(text).or_default().push(title.clone());
        }
    }
    for (text, titles) in texts {
        let line = "-".repeat(72);
        write!(page, "\n{line}\n{}\n{line}\n\n{text}\n", titles.join(", "))?;
    }
    Ok(page)
}

fn texts_in(directory: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let entries = fs::read_dir(directory);
    for entry in entries.with_context(|| format!("listing {}", directory.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        let is_licence = LICENCE_NAMES.iter().any(|start| name.starts_with(start));
        if is_licence && entry.metadata()?.is_file() {
            let text = String::from_utf8_lossy(&fs::read(entry.path())?).into_owned();
            texts.push(text.replace('\r', "").trim().to_owned());
        }
    }
    Ok(texts)
}

/// As every editor of Windows shows it.
fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_tree() {
        let check = |line, expected| assert_eq!(name_and_version(line), expected, "{line}");
        check("zip v9.2.2", Some(("zip", "9.2.2")));
        check("serde v1.0.1 (*)", Some(("serde", "1.0.1")));
        check("", None);
    }
}
