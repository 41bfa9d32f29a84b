//! Child processes: run one, or run one and look at its lines while they are shown.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, IsTerminal, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result};

/// `cargo` in a directory, with colours if ours go to a terminal.
pub(crate) fn cargo<S: AsRef<OsStr>>(root: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).current_dir(root);
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// Where cargo builds.
pub(crate) fn target_directory(root: &Path) -> Result<PathBuf> {
    let args = ["metadata", "--format-version", "1", "--no-deps", "--locked"];
    let printed = output(&mut cargo(root, args)).context("cargo metadata failed")?;
    let metadata: serde_json::Value = serde_json::from_str(&printed).context("cargo metadata")?;
    let directory = metadata
        .get("target_directory")
        .and_then(serde_json::Value::as_str);
    directory
        .map(PathBuf::from)
        .context("cargo metadata names no target directory")
}

/// Runs a command to its end; whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let name = name_of(command);
    let status = command
        .status()
        .with_context(|| format!("running {name}"))?;
    Ok(status.success())
}

/// What a command prints on stdout, if it succeeds; quiet otherwise.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// Runs a command, shows its lines as they come, and returns them with whether it succeeded.
pub(crate) fn watched(command: &mut Command) -> Result<(bool, Vec<String>)> {
    let name = name_of(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("running {name}"))?;
    let errors = child.stderr.take();
    let reader = thread::spawn(move || errors.map(|pipe| show(pipe, std::io::stderr())));
    let mut lines = child
        .stdout
        .take()
        .map(|pipe| show(pipe, std::io::stdout()))
        .unwrap_or_default();
    lines.extend(reader.join().ok().flatten().unwrap_or_default());
    let status = child.wait().with_context(|| format!("awaiting {name}"))?;
    Ok((status.success(), lines))
}

fn show(pipe: impl Read, mut to: impl Write) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pipe = BufReader::new(pipe);
    let mut bytes = Vec::new();
    while pipe
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|read| read > 0)
    {
        // A closed terminal must not end the checks.
        to.write_all(&bytes).and_then(|()| to.flush()).ok();
        lines.push(String::from_utf8_lossy(&bytes).trim_end().to_string());
        bytes.clear();
    }
    lines
}

fn name_of(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_seen() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo out; echo err >&2; exit 3"]);
        let (succeeded, mut lines) = watched(&mut shell).unwrap();
        lines.sort();
        assert_eq!(
            (succeeded, lines),
            (false, vec!["err".into(), "out".into()])
        );
        assert_eq!(output(&mut Command::new("true")), Some(String::new()));
        assert_eq!(output(&mut Command::new("false")), None);
        assert!(succeeds(&mut Command::new("no-such-program-anywhere")).is_err());
    }
}
