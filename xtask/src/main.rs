//! The project's own commands, for people and for CI. `cargo xtask` lists them.
//!
//! **Deliberately not here:** anything that is shipped.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to a person at a terminal"
)]

mod args;
#[cfg(target_os = "linux")]
mod bench;
mod edges;
mod fuzz;
#[cfg(target_os = "linux")]
mod musl;
mod process;
mod repo;
mod run;
mod steps;
mod tidy;
mod tools;
mod windows;

use std::process::ExitCode;

use args::Command;
use repo::Repo;

fn main() -> ExitCode {
    let command = match args::parse(std::env::args().skip(1)) {
        Ok(command) => command,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    match perform(command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the command did what it is for; an error is a reason why it could not be tried.
fn perform(command: Command) -> anyhow::Result<bool> {
    let repo = Repo::find()?;
    match command {
        Command::Help => {
            println!("{}", args::HELP);
            Ok(true)
        }
        Command::Test(extent) => steps::test(&repo, extent),
        Command::Run(args) => run::binary(&repo, &args),
        Command::Sim(args) => run::simulator(&repo, &args),
        Command::Fuzz(seconds) => fuzz::run(&repo, seconds),
        Command::Torture(parts) => run::torture(&repo, &parts),
        #[cfg(target_os = "linux")]
        Command::Bench(bench) => bench::run(&repo, &bench),
        Command::Windows(install) => windows::check(&repo, install),
        Command::Bundle => windows::bundle(&repo),
        #[cfg(target_os = "linux")]
        Command::BundleMusl => musl::bundle(&repo),
        Command::Tidy => Ok(repo::print(&tidy::check(&repo)?)),
        Command::Edges => Ok(repo::print(&edges::check(&repo)?)),
    }
}
