//! [`Wine`]: a Windows of our own below `target`, touched by nothing else on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use super::directory;
use crate::{process, repo::Repo};

/// The loader itself: a signal to it reaches the program.
const LOADER: &str = "/usr/lib/wine/wine64";
const SOURCE: &str = "xtask/src/windows/bcryptprimitives.c";
const LIBRARY: &str = "drive_c/windows/system32/bcryptprimitives.dll";

/// A drive of its own for Wine.
#[derive(Debug)]
pub(super) struct Wine {
    prefix: PathBuf,
}

impl Wine {
    /// Makes the drive, if it is not there, and puts in what old versions of Wine lack.
    pub(super) fn prepare(repo: &Repo) -> Result<Self> {
        let prefix = directory(repo).join("wine");
        fs::create_dir_all(&prefix).with_context(|| format!("making {}", prefix.display()))?;
        let wine = Self { prefix };
        if !is_file(&wine.prefix.join("system.reg")) {
            println!("making a drive for Wine");
            let mut start = Command::new("wineboot");
            wine.surround(start.arg("--init"));
            if !process::succeeds(&mut start)? {
                bail!("wineboot --init failed");
            }
        }
        if !is_file(&wine.prefix.join(LIBRARY)) {
            wine.add_library(repo)?;
        }
        Ok(wine)
    }

    fn add_library(&self, repo: &Repo) -> Result<()> {
        let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
        compiler.args(["-shared", "-O2", "-o"]);
        compiler.arg(self.prefix.join(LIBRARY));
        compiler.arg(repo.path(SOURCE)).arg("-ladvapi32");
        if !process::succeeds(&mut compiler)? {
            bail!("{SOURCE} does not compile");
        }
        Ok(())
    }

    /// A Windows program, to be given arguments.
    pub(super) fn run(&self, program: &Path) -> Command {
        let mut command = Command::new(LOADER);
        command.arg(program);
        self.surround(&mut command);
        command
    }

    /// Lets cargo start what it builds for a target.
    pub(super) fn let_cargo_run(&self, command: &mut Command, target: &str) {
        let target = target.to_uppercase().replace('-', "_");
        command.env(format!("CARGO_TARGET_{target}_RUNNER"), LOADER);
        self.surround(command);
    }

    /// What a program and its children need to be on this drive.
    pub(super) fn surround(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", &self.prefix)
            // Neither a browser engine nor .NET is asked for, and no window is needed.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=")
            .env("WINEDEBUG", "-all")
            .env_remove("DISPLAY");
    }
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file())
}
