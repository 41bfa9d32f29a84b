//! `cargo xtask bundle --musl`: the program for any Linux, with everything in it.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    process::{self, cargo},
    repo::Repo,
    steps, tools,
};

const TARGET: &str = "x86_64-unknown-linux-musl";
/// musl's C compiler, and the package that brings it.
const COMPILER: (&str, &str) = ("musl-tools", "/usr/bin/musl-gcc");

/// Builds the program and says where it is.
pub(crate) fn bundle(repo: &Repo) -> Result<bool> {
    require()?;
    steps::build_ui(repo)?;
    let args = ["build", "--locked", "--release", "--target", TARGET];
    let mut command = cargo(repo.root(), args);
    command
        .args(["--package", "lanspread-cli"])
        .env("CC_x86_64_unknown_linux_musl", COMPILER.1)
        // The linker stays the system's: through musl's one the program would name a loader.
        // Nobody looks into it where it is carried to.
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    if !process::succeeds(&mut command)? {
        return Ok(false);
    }
    let built = process::target_directory(repo.root())?.join(TARGET);
    let program = built.join("release/lanspread");
    check_alone(&program)?;
    let carried = repo.path("target/lanspread-linux-x64-static");
    std::fs::copy(&program, &carried).context("copying the program")?;
    let bytes = carried.metadata().context("the program")?.len();
    println!("{} {bytes} bytes", carried.display());
    Ok(true)
}

fn require() -> Result<()> {
    let (package, compiler) = COMPILER;
    let compiler = Path::new(compiler).metadata();
    if !compiler.is_ok_and(|file| file.is_file()) {
        bail!("missing packages: {}", tools::apt_line(&[package]));
    }
    let installed = Command::new("rustup")
        .args(["target", "list", "--installed"])
        .output();
    // Without rustup, whoever installed Rust knows how its library for musl comes.
    let Ok(installed) = installed else {
        return Ok(());
    };
    let installed = String::from_utf8_lossy(&installed.stdout);
    if !installed.lines().any(|line| line == TARGET) {
        bail!("Rust's library for it is missing; install it with:\n  rustup target add {TARGET}");
    }
    Ok(())
}

/// A program that needs a loader would not start where that is another one.
fn check_alone(program: &Path) -> Result<()> {
    let bytes = std::fs::read(program).context("reading the program")?;
    if names_a_loader(&bytes) {
        bail!("{} needs libraries of the system", program.display());
    }
    Ok(())
}

/// Whether an ELF program of 64 bits has a segment that names its loader.
fn names_a_loader(elf: &[u8]) -> bool {
    const INTERP: [u8; 4] = [3, 0, 0, 0];
    let number = |at: usize, length: usize| {
        let bytes = elf.get(at..at + length).unwrap_or_default();
        let value = bytes.iter().rev();
        value.fold(0_usize, |value, byte| value << 8 | usize::from(*byte))
    };
    let (start, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    (0..count).any(|index| {
        let at = start + index * size;
        elf.get(at..at + 4) == Some(INTERP.as_slice())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loader_is_seen() {
        let own = std::fs::read("/proc/self/exe");
        // Tests are built for the machine's own library.
        assert!(names_a_loader(&own.unwrap_or_default()));
        let mut alone = vec![0; 64 + 56];
        alone[32] = 64;
        alone[54] = 56;
        alone[56] = 1;
        alone[64] = 1;
        assert!(!names_a_loader(&alone));
        alone[64] = 3;
        assert!(names_a_loader(&alone));
    }
}
