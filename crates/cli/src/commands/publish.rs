//! `publish`: make a folder a shared game.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
    thread,
    time::Duration,
};

use lanspread_api::{
    Command, Report,
    amount::Bytes,
    client,
    types::{PublishPlan, command::PublishCommand, reply::Reply},
};

use crate::{
    files,
    report::Outcome,
    session::Session,
    wait::{self, Job},
    words,
};

/// The code of a folder into which somebody may still be copying.
const STILL_CHANGING: &str = "still-changing";
/// How often such a folder is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Make a folder a shared game
///
/// A folder in the games directory stays as it is; one from elsewhere is packed into the games
/// directory, or moved there. Shows what it would do and asks before it does it. Ctrl+C stops
/// watching; `lanspread cancel GAME` stops publishing.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct PublishArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The version, if no version.ini in the folder names one; today's date when absent
    #[arg(long, value_name = "V")]
    version: Option<String>,
    /// Move a folder from elsewhere instead of packing it
    #[arg(long = "move")]
    moved: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(crate) fn run(args: &PublishArgs, session: &Session) -> Outcome {
    let folder = files::existing_dir(&args.folder)?.display().to_string();
    let ask = Command::PlanPublish {
        folder: folder.clone(),
    };
    let plan = until_still(session, &ask)?;
    let version = chosen(args.version.as_deref(), plan.version.as_deref())?;
    if !session.out.is_json() {
        session.out.line(describe(&plan, args.moved, &version))?;
    }
    if !args.yes && !confirmed()? {
        return Err(Report::new("not-confirmed", "nothing was published").into());
    }
    let operation = session.start(&Command::Publish(PublishCommand {
        folder,
        version,
        moved: args.moved,
    }))?;
    wait::until_ended(session, &[Job::new(&plan.game, operation)])
}

/// Asks what would be done until the folder is still; Ctrl+C ends that, for nothing was begun.
fn until_still(session: &Session, ask: &Command) -> Result<PublishPlan, Report> {
    let mut told = false;
    loop {
        match session.call(ask) {
            Ok(Reply::PublishPlan(plan)) => return Ok(plan),
            Ok(reply) => return Err(client::unexpected(&reply)),
            Err(report) if report.code == STILL_CHANGING => {
                if !told {
                    // Garnish: who cannot be told waits all the same.
                    drop(writeln!(io::stderr(), "still changing: {report}; waiting"));
                    told = true;
                }
                thread::sleep(LOOK_INTERVAL);
            }
            Err(report) => return Err(report),
        }
    }
}

/// The version that the folder names is its own; nobody else changes it.
fn chosen(asked: Option<&str>, own: Option<&str>) -> Result<String, Report> {
    match (asked, own) {
        (Some(asked), Some(own)) if asked != own => Err(Report::new(
            "bad-value",
            format!("the folder's version.ini says {own}: change it there, or leave out --version"),
        )),
        (_, Some(version)) | (Some(version), None) => Ok(version.to_owned()),
        (None, None) => Ok(today()),
    }
}

fn describe(plan: &PublishPlan, moved: bool, version: &str) -> String {
    let how = match (plan.in_place, moved) {
        (true, _) => "shared where it is",
        (false, true) => "moved into the games directory",
        (false, false) => "packed into the games directory; the folder stays",
    };
    format!(
        "{}, version {version}\n  {} in {}, {how}\n  {} free",
        plan.game,
        Bytes(plan.bytes),
        words::count(plan.files.into(), "file"),
        Bytes(plan.free_bytes),
    )
}

/// Asks a person; where there is none to ask, the command itself is the answer.
fn confirmed() -> io::Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(true);
    }
    write!(io::stderr().lock(), "Publish it? [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(
        answer.trim().to_lowercase().as_str(),
        "y" | "yes" | "j" | "ja"
    )
}

fn today() -> String {
    jiff::Zoned::now().strftime("%Y%m%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_is_told_before() {
        let plan = PublishPlan {
            game: "quake".to_owned(),
            version: None,
            bytes: 1_500_000_000,
            files: 1,
            free_bytes: 20_000_000_000,
            in_place: false,
        };
        insta::assert_snapshot!(describe(&plan, false, "20261120"), @r"
        quake, version 20261120
          1.5 GB in 1 file, packed into the games directory; the folder stays
          20.0 GB free
        ");
        let in_place = PublishPlan {
            in_place: true,
            ..plan
        };
        assert!(describe(&in_place, true, "1").contains("shared where it is"));
    }

    #[test]
    fn a_folder_that_names_its_version_keeps_it() {
        let check = |asked, own, expected: Option<&str>| {
            assert_eq!(
                chosen(asked, own).ok().as_deref(),
                expected,
                "{asked:?} {own:?}"
            );
        };
        check(None, Some("7.7"), Some("7.7"));
        check(Some("7.7"), Some("7.7"), Some("7.7"));
        check(Some("9.9"), None, Some("9.9"));
        check(Some("9.9"), Some("1.0"), None);
        assert_eq!(chosen(None, None).ok(), Some(today()));
    }

    #[test]
    fn versions_of_days_compare() {
        let version = today();
        assert!(version.len() == 8 && version.bytes().all(|b| b.is_ascii_digit()));
        assert!(version.as_str() > "20250101");
    }

    #[test]
    fn only_yes_is_yes() {
        assert!(is_yes("y\n") && is_yes("Yes\n") && is_yes("ja"));
        assert!(!is_yes("\n") && !is_yes("no") && !is_yes("yep"));
    }
}
