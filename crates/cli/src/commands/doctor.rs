//! `doctor`: looks for what is in the way, with or without a running node.

use lanspread_api::{
    Command, Language, Reply, Report, client, doctor,
    hints::hint,
    types::{Finding, Level},
};

use crate::{env, files, output::Tone, report::Outcome, session::Session, settings};

/// Look for what is in the way: node, network, disk, clock
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {}

pub(crate) fn run(_args: &DoctorArgs, session: &Session) -> Outcome {
    let findings = examine(session)?;
    if session.out.is_json() {
        session.out.json(&findings)?;
    } else {
        for finding in &findings {
            show(finding, session)?;
        }
    }
    let failed = findings.iter().filter(|f| f.level == Level::Bad).count();
    if failed > 0 {
        let text = crate::words::count(failed as u64, "check");
        return Err(Report::new("unhealthy", format!("{text} failed")).into());
    }
    Ok(())
}

fn show(finding: &Finding, session: &Session) -> Outcome {
    let (tone, mark) = match finding.level {
        Level::Good => (Tone::Good, "ok  "),
        Level::Warn => (Tone::Warn, "warn"),
        Level::Bad => (Tone::Bad, "FAIL"),
    };
    let mark = session.out.paint(tone, mark);
    let (subject, message) = (&finding.subject, &finding.message);
    session
        .out
        .line(format!("{mark}  {subject:<10} {message}"))?;
    for hint in hint(&finding.code, Language::English) {
        session.out.line(format!("      {:<10} {hint}", ""))?;
    }
    Ok(())
}

fn examine(session: &Session) -> Result<Vec<Finding>, crate::report::Failure> {
    match session.client_if_running() {
        Ok(Some((client, _))) => {
            let reply = client.call(&Command::Doctor)?;
            let Reply::Findings { mut findings } = reply else {
                return Err(client::unexpected(&reply).into());
            };
            let file = client.file();
            let text = format!("process {} answers at {}", file.pid, file.address);
            findings.insert(0, finding(Level::Good, "good", "node", text));
            Ok(findings)
        }
        Ok(None) => {
            let text = "no node is running; the checks below need none";
            let first = finding(Level::Warn, "no-node", "node", text.to_owned());
            examine_here(session, first)
        }
        Err(report) => {
            let first = finding(Level::Bad, &report.code, "node", report.message.clone());
            examine_here(session, first)
        }
    }
}

/// Looks from this process.
fn examine_here(session: &Session, first: Finding) -> Result<Vec<Finding>, crate::report::Failure> {
    let mut findings = vec![first];
    let effective = settings::SettingsFile::read(&session.state)
        .and_then(|file| settings::Effective::resolve(<_>::default(), env::read, file));
    let games_dir = match effective {
        Ok(effective) => Some(effective.games_dir),
        Err(report) => {
            let (code, message) = (&report.code, report.message.clone());
            findings.push(finding(Level::Bad, code, "settings", message));
            None
        }
    };
    let is_there = |path: &std::path::Path| files::is_there(path) != Some(false);
    let first_start = !is_there(&session.state.join("identity.key"));
    let default = crate::dirs::games_default().ok();
    let case = doctor::Case {
        running: None,
        first_start,
        makes_games_dir: first_start && games_dir == default,
        state_dir: is_there(&session.state).then(|| session.state.clone()),
        games_dir,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    findings.extend(runtime.block_on(doctor::examine(case)));
    Ok(findings)
}

fn finding(level: Level, code: &str, subject: &str, message: String) -> Finding {
    Finding {
        level,
        code: code.to_owned(),
        subject: subject.to_owned(),
        message,
    }
}
