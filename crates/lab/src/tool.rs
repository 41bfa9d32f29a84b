//! Running the machine's own tools: one command, its output or its error.

use std::{
    ffi::OsStr,
    process::{Command, Output, Stdio},
};

use crate::error::LabError;

/// Runs a tool to its end and returns what it wrote on stdout.
pub(crate) fn run<S: AsRef<OsStr>>(
    program: &str,
    args: impl IntoIterator<Item = S>,
) -> Result<String, LabError> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    finish(&mut command)
}

/// The same with the words in one text, for commands without spaces in them.
pub(crate) fn words(line: &str) -> Result<String, LabError> {
    let mut words = line.split_whitespace();
    run(words.next().unwrap_or_default(), words)
}

/// Runs a prepared command to its end and returns what it wrote on stdout.
pub(crate) fn finish(command: &mut Command) -> Result<String, LabError> {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().map_err(|source| LabError::Start {
        command: line_of(command),
        source,
    })?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    Err(LabError::Failed {
        command: line_of(command),
        said: String::from_utf8_lossy(&stderr).trim().to_string(),
    })
}

/// A command as a person would type it.
pub(crate) fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
