//! `cargo xtask windows`: the Windows program built and tried on a Debian machine.
//!
//! rustup's toolchain may lack the standard library for Windows, so Debian's own Rust builds it
//! along from its source, with MinGW as the linker; Wine runs what comes out.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{
    process,
    repo::Repo,
    steps::{self, Report, Tally},
    tools,
};
use wine::Wine;

mod bundle;
mod wine;

/// What is installed, and a program of each package that tells whether it is.
const PACKAGES: &[(&str, &str)] = &[
    ("rustc-web", "/usr/bin/rustc"),
    ("cargo-web", "/usr/bin/cargo"),
    (
        "rust-web-src",
        "/usr/lib/rustlib/src/rust/library/std/Cargo.toml",
    ),
    ("gcc-mingw-w64-x86-64", "/usr/bin/x86_64-w64-mingw32-gcc"),
    ("wine", "/usr/bin/wine"),
    ("wine64", "/usr/lib/wine/wine64"),
    ("zip", "/usr/bin/zip"),
];
const TARGET: &str = "x86_64-pc-windows-gnu";
/// The profile of the root manifest that keeps the time bounded.
const PROFILE: &str = "windows";
/// The crates whose unit tests know no system, or know Windows.
const TESTED: &[&str] = &["proto", "install", "swarm", "disk", "unpack"];
/// What is left out under Wine: thousands of files take minutes there, and it tells of changes in
/// directories otherwise than Windows does.
const LEFT_OUT: &[&str] = &[
    "three_thousand_small_files",
    "whatever_file_is_damaged_the_repair_is_whole",
    "watch::tests",
];
/// The scenarios of a Windows peer beside a Linux one.
pub(crate) const SCENARIOS: &str = "s60_";

/// Installs what is missing if told to, builds, tests, plays the demo and the scenarios.
pub(crate) fn check(repo: &Repo, install: bool) -> Result<bool> {
    require(install)?;
    let mut report = Report::default();
    let mut step = |name, run: &dyn Fn() -> Result<Tally>| {
        println!("\n== {name}");
        let start = Instant::now();
        let tally = run().unwrap_or_else(|error| {
            println!("error: {error:#}");
            Tally::one(false)
        });
        report.add(name, tally, start.elapsed());
        tally.failed == 0
    };
    step("build", &|| build(repo).map(Tally::one));
    let wine = Wine::prepare(repo)?;
    step("demo", &|| demo(repo, &wine).map(Tally::one));
    step("tests", &|| tests(repo, &wine));
    step("scenarios", &|| scenarios(repo, &wine));
    let total = report.total();
    println!("\n{report}\n{total}");
    Ok(total.failed == 0 && total.skipped == 0)
}

/// Builds the program.
pub(crate) fn build(repo: &Repo) -> Result<bool> {
    require(false)?;
    steps::build_ui(repo)?;
    let mut command = cargo(repo, "build");
    process::succeeds(command.args(["--bin", "lanspread"]))
}

/// The program, once it is built.
pub(crate) fn program(repo: &Repo) -> PathBuf {
    directory(repo)
        .join(TARGET)
        .join(PROFILE)
        .join("lanspread.exe")
}

/// Where everything of Windows is built, and where Wine has its drive.
fn directory(repo: &Repo) -> PathBuf {
    repo.path("target/windows")
}

fn require(install: bool) -> Result<()> {
    let is_file = |path: &str| Path::new(path).metadata().is_ok_and(|file| file.is_file());
    let missing: Vec<&str> = (PACKAGES.iter())
        .filter(|(_, proof)| !is_file(proof))
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !install {
        bail!(
            "missing packages: {} (or --install, as root)",
            tools::apt_line(&missing)
        );
    }
    steps::install_packages(&missing)
}

/// Debian's cargo, which builds the standard library along.
fn cargo(repo: &Repo, verb: &str) -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    command
        .current_dir(repo.root())
        .args([verb, "--locked", "-Zbuild-std=std,panic_abort"])
        .args(["--target", TARGET, "--profile", PROFILE, "--target-dir"])
        .arg(directory(repo))
        .env("PATH", debian_first())
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTDOC", "/usr/bin/rustdoc")
        // Building the standard library is not stable yet.
        .env("RUSTC_BOOTSTRAP", "1");
    // Always the same selection: another one would unify features otherwise and build all anew.
    for name in ["cli"].iter().chain(TESTED) {
        command.args(["--package", &format!("lanspread-{name}")]);
    }
    // rustup's wrapper names its own toolchain to everything that it starts.
    for name in ["RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER", "CARGO", "RUSTFLAGS"] {
        command.env_remove(name);
    }
    command
}

fn debian_first() -> OsString {
    let mut path = OsString::from("/usr/bin:");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

fn demo(repo: &Repo, wine: &Wine) -> Result<bool> {
    let mut command = wine.run(&program(repo));
    process::succeeds(command.args(["demo", "--headless"]))
}

fn tests(repo: &Repo, wine: &Wine) -> Result<Tally> {
    let mut command = cargo(repo, "test");
    command.args(["--lib", "--no-fail-fast", "--"]);
    for name in LEFT_OUT {
        println!("left out under Wine: {name}");
        command.args(["--skip", name]);
    }
    wine.let_cargo_run(&mut command, TARGET);
    steps::run_tests(&mut command)
}

fn scenarios(repo: &Repo, wine: &Wine) -> Result<Tally> {
    let build = ["build", "--workspace", "--locked", "--bin", "lanspread"];
    if !process::succeeds(&mut process::cargo(repo.root(), build))? {
        return Ok(Tally::one(false));
    }
    let target = process::target_directory(repo.root())?;
    let args = ["test", "--workspace", "--locked", "--test", "scenarios"];
    let mut command = process::cargo(repo.root(), args);
    command
        .args(["--", SCENARIOS, "--test-threads=1"])
        .env("LANSPREAD_BIN", target.join("debug/lanspread"))
        .env("LANSPREAD_WINDOWS_BIN", program(repo));
    wine.surround(&mut command);
    steps::run_tests(&mut command)
}

/// The program and its texts in one archive.
pub(crate) fn bundle(repo: &Repo) -> Result<bool> {
    if !build(repo)? {
        return Ok(false);
    }
    let program = program(repo);
    let archive = repo.path("target/lanspread-windows-x64.zip");
    bundle::write(repo, &program, &archive)?;
    let bytes = archive.metadata().context("the archive")?.len();
    println!("{} {bytes} bytes", archive.display());
    Ok(true)
}
