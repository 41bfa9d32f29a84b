//! Installing what the checks need: Debian packages and cargo-deny.

use std::process::Command;

use anyhow::{Result, bail};

use crate::{process, steps::deny, tools};

/// Installs everything that is missing.
pub(crate) fn everything() -> Result<()> {
    if !tools::is_root() {
        bail!(
            "--install installs packages and runs scenarios in network namespaces: run it as root"
        );
    }
    packages(&tools::missing_packages())?;
    if !deny::is_installed() {
        deny::install()?;
    }
    Ok(())
}

/// Installs packages of Debian, if there are any to install.
pub(crate) fn packages(names: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    println!("installing {}", names.join(" "));
    apt(&["update", "-qq"])?;
    let quiet = ["install", "-y", "-qq", "--no-install-recommends"];
    apt(&[&quiet[..], names].concat())
}

fn apt(args: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    if !process::succeeds(&mut command)? {
        bail!("apt-get {} failed", args.join(" "));
    }
    Ok(())
}
