//! [`Failure`]: how a command ends that did not do what was asked, and what is said about it.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use lanspread_api::Report;

use crate::output::{self, Form, Tone};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell the person.
    Reported(Box<Report>),
    /// Standard output does not take what is written.
    Output(io::Error),
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Self::Reported(Box::new(report))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// How a command ends.
pub(crate) type Outcome = Result<(), Failure>;

/// Says what went wrong on standard error and returns the exit code: 0 done, 1 failed, 2 wrong
/// usage, 3 no node running, 4 another node owns the state directory.
pub(crate) fn conclude(outcome: Outcome, form: Form) -> ExitCode {
    let report = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        // Whoever reads us has seen enough: `lanspread games | head`.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            return ExitCode::SUCCESS;
        }
        Err(Failure::Output(error)) => Report::new("disk", format!("cannot write: {error}")),
        Err(Failure::Reported(report)) => *report,
    };
    let mut err = io::stderr().lock();
    let text = match form {
        Form::Json => serde_json::json!({ "error": report }).to_string() + "\n",
        Form::Human => human(&report, err.is_terminal() && output::colours_wanted()),
    };
    // There is nobody left to tell if this fails too.
    drop(err.write_all(text.as_bytes()));
    exit_code(&report.code)
}

fn exit_code(code: &str) -> ExitCode {
    match code {
        // The parser ends with 2 by itself; these values only the node or the command can judge.
        "bad-value" => ExitCode::from(2),
        "no-node" => ExitCode::from(3),
        "already-running" => ExitCode::from(4),
        _ => ExitCode::FAILURE,
    }
}

/// The report as a person reads it.
pub(crate) fn human(report: &Report, colour: bool) -> String {
    let error = output::paint(colour, Tone::Bad, "error");
    let mut text = format!("{error}: {} [{}]\n", report.message, report.code);
    for cause in &report.causes {
        text.push_str(&format!("  because: {cause}\n"));
    }
    for choice in &report.choices {
        let peers = crate::words::count(choice.ready.into(), "peer");
        text.push_str(&format!("  --content {}  ({peers})\n", choice.content));
    }
    for hint in &report.hints {
        let mark = output::paint(colour, Tone::Good, "hint");
        text.push_str(&format!("  {mark}: {hint}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use lanspread_api::error::Choice;

    #[test]
    fn exit_codes() {
        let check =
            |code: &str, expected: ExitCode| assert_eq!(exit_code(code), expected, "{code}");
        check("bad-value", ExitCode::from(2));
        check("no-node", ExitCode::from(3));
        check("already-running", ExitCode::from(4));
        check("unknown-game", ExitCode::from(1));
    }

    #[test]
    fn choices_and_hints_are_shown() {
        let report = Report {
            choices: Box::new([
                Choice {
                    content: "aa".repeat(32),
                    ready: 2,
                },
                Choice {
                    content: "bb".repeat(32),
                    ready: 1,
                },
            ]),
            causes: vec!["a cause".to_owned()],
            ..Report::new("choose-content", "quake has several contents called 1.0")
        };
        insta::assert_snapshot!(human(&report, false), @r"
        error: quake has several contents called 1.0 [choose-content]
          because: a cause
          --content aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  (2 peers)
          --content bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb  (1 peer)
          hint: choose one: `lanspread get GAME --content ID`; what most peers have is likely right
        ");
    }
}
