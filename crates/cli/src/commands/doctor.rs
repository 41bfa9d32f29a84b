//! `doctor`: looks for what is in the way, with or without a running node.

use std::path::Path;

use lanspread_api::Report;
use serde::Serialize;

use crate::{env, files, output::Tone, report::Outcome, session::Session, settings};

mod disk;
mod network;
mod running;

/// Look for what is in the way: node, network, disk, clock
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Grade {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    grade: Grade,
    what: &'static str,
    text: String,
    hint: Option<&'static str>,
}

impl Finding {
    fn ok(what: &'static str, text: impl Into<String>) -> Self {
        Self {
            grade: Grade::Ok,
            what,
            text: text.into(),
            hint: None,
        }
    }

    fn warn(what: &'static str, text: impl Into<String>, hint: &'static str) -> Self {
        Self {
            grade: Grade::Warn,
            hint: Some(hint),
            ..Self::ok(what, text)
        }
    }

    fn fail(what: &'static str, text: impl Into<String>, hint: &'static str) -> Self {
        Self {
            grade: Grade::Fail,
            ..Self::warn(what, text, hint)
        }
    }
}

pub(crate) fn run(_args: &DoctorArgs, session: &Session) -> Outcome {
    let findings = examine(session);
    if session.out.is_json() {
        session.out.json(&findings)?;
    } else {
        for finding in &findings {
            let (tone, mark) = match finding.grade {
                Grade::Ok => (Tone::Good, "ok  "),
                Grade::Warn => (Tone::Warn, "warn"),
                Grade::Fail => (Tone::Bad, "FAIL"),
            };
            let mark = session.out.paint(tone, mark);
            session
                .out
                .line(format!("{mark}  {:<10} {}", finding.what, finding.text))?;
            if let Some(hint) = finding.hint {
                session.out.line(format!("      {:<10} {hint}", ""))?;
            }
        }
    }
    let failed = findings.iter().filter(|f| f.grade == Grade::Fail).count();
    if failed > 0 {
        let text = crate::words::count(failed as u64, "check");
        return Err(Report::new("unhealthy", format!("{text} failed")).into());
    }
    Ok(())
}

fn examine(session: &Session) -> Vec<Finding> {
    let mut findings = Vec::new();
    let games_dir = match session.client_if_running() {
        Ok(Some((client, snapshot))) => {
            findings.extend(running::findings(&client, &snapshot));
            Some(snapshot.me.games_dir.into())
        }
        Ok(None) => {
            let hint = "`lanspread` starts one; the checks below need none";
            findings.push(Finding::warn("node", "no node is running", hint));
            findings.extend(network::ports());
            configured_games_dir(session, &mut findings)
        }
        Err(report) => {
            let hint = "stop the node and start it again";
            findings.push(Finding::fail("node", report.to_string(), hint));
            configured_games_dir(session, &mut findings)
        }
    };
    findings.extend(network::interfaces());
    findings.extend(disk::state(&session.state));
    if let Some(games_dir) = games_dir {
        let first = files::is_there(&session.state.join("identity.key")) == Some(false);
        findings.extend(disk::games(&games_dir, first));
    }
    findings.push(clock(jiff::Timestamp::now()));
    findings
}

fn configured_games_dir(
    session: &Session,
    findings: &mut Vec<Finding>,
) -> Option<std::path::PathBuf> {
    let effective = settings::SettingsFile::read(&session.state)
        .and_then(|file| settings::Effective::resolve(<_>::default(), env::read, file));
    match effective {
        Ok(effective) => Some(effective.games_dir),
        Err(report) => {
            let hint = "correct what is named; `lanspread settings` lists names and forms";
            findings.push(Finding::fail("settings", report.message, hint));
            None
        }
    }
}

/// A clock that is years off makes dates of versions and logs useless.
fn clock(now: jiff::Timestamp) -> Finding {
    const PLAUSIBLE: std::ops::Range<i64> = 1_767_225_600..4_102_444_800;
    let text = now.strftime("%Y-%m-%d %H:%M UTC").to_string();
    if PLAUSIBLE.contains(&now.as_second()) {
        Finding::ok("clock", text)
    } else {
        let hint = "set the clock: versions that are named by date come out wrong";
        Finding::warn("clock", text, hint)
    }
}

/// Whether a directory can be listed and written, and what to do when not.
fn directory(what: &'static str, path: &Path, hint: &'static str) -> Finding {
    match files::probe_dir(path) {
        (Ok(entries), Ok(())) => {
            let entries = match entries {
                1 => "1 entry".to_owned(),
                _ => format!("{entries} entries"),
            };
            Finding::ok(what, format!("{}: {entries}, writable", path.display()))
        }
        (Err(error), _) | (Ok(_), Err(error)) => {
            Finding::fail(what, format!("{}: {error}", path.display()), hint)
        }
    }
}

#[cfg(test)]
mod tests;
