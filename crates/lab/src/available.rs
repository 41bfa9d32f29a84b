//! Whether this machine can hold a lab, and the visible skip of a test where it cannot.

use std::{fmt, io::Write, process::Command};

use crate::tool;

/// Programs that a lab calls, and the Debian package of each.
const PROGRAMS: &[(&str, &str)] = &[
    ("ip", "iproute2"),
    ("tc", "iproute2"),
    ("nft", "nftables"),
    ("ping", "iputils-ping"),
];

/// Why this machine cannot hold a lab.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Namespaces are the administrator's.
    #[error("needs root")]
    Root,
    /// Programs are missing.
    #[error("needs {}", Packages(.0))]
    Packages(Vec<&'static str>),
    /// The kernel or the container does not allow namespaces.
    #[error("needs network namespaces: {0}")]
    Namespaces(String),
}

struct Packages<'a>(&'a [&'static str]);

impl fmt::Display for Packages<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the packages {}", self.0.join(", "))
    }
}

/// Whether a lab can be built here.
///
/// # Errors
/// What is missing.
pub fn check() -> Result<(), Missing> {
    if !rustix::process::geteuid().is_root() {
        return Err(Missing::Root);
    }
    let mut packages: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !answers(program))
        .map(|(_, package)| *package)
        .collect();
    packages.dedup();
    if !packages.is_empty() {
        return Err(Missing::Packages(packages));
    }
    // The namespace of this command lives as long as the command.
    tool::run("unshare", ["--net", "true"])
        .map(|_| ())
        .map_err(|error| Missing::Namespaces(error.to_string()))
}

fn answers(program: &str) -> bool {
    let flag = if program == "nft" { "--version" } else { "-V" };
    Command::new(program).arg(flag).output().is_ok()
}

/// Says on stderr that a test cannot run here; `cargo xtask test` counts such lines.
///
/// The harness hides what the print macros write in a passing test; this line shows.
pub fn skip(test: &str, reason: &dyn fmt::Display) {
    let line = format!("skipped: {test}: {reason}\n");
    // Nobody to tell that nobody can be told.
    std::io::stderr().write_all(line.as_bytes()).ok();
}

/// Whether a test can use a lab; says so if not.
#[must_use]
pub fn usable(test: &str) -> bool {
    match check() {
        Ok(()) => true,
        Err(missing) => {
            skip(test, &missing);
            false
        }
    }
}
