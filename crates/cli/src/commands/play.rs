//! `play`: start an installed game, or its server.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    net::IpAddr,
    thread,
    time::Duration,
};

use lanspread_api::{
    Command, Reply, Report, client,
    types::{
        command::{PlayCommand, PlayPlanCommand, ServerCommand},
        play::{PlayPlan, PlayState, Program},
    },
};

use super::kick;
use crate::{
    env,
    report::{Failure, Outcome},
    session::Session,
};

/// How often a set-up that runs is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Start an installed game, or its server
///
/// How a game is started is said by a catalog or by its publisher. What a publisher says is shown
/// first, exactly as it would be started, and asked about once.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct PlayArgs {
    /// The game
    game: String,
    /// Start its server, for others to join
    #[arg(long, conflicts_with = "join")]
    server: bool,
    /// Join the game of this peer (name, start of its key, or words) or IP address
    #[arg(long, value_name = "PEER|IP")]
    join: Option<String>,
    /// Agree to the command without being asked
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(args: &PlayArgs, session: &Session) -> Outcome {
    let join = args.join.as_deref();
    let join = join.map(|join| whom(join, session)).transpose()?;
    let command = Command::PlayPlan(PlayPlanCommand {
        game: args.game.clone(),
        server: args.server,
        join: join.clone(),
        language: language(env::read),
    });
    let reply = session.call(&command)?;
    let Reply::PlayPlan(plan) = reply else {
        return Err(client::unexpected(&reply).into());
    };
    if !plan.trusted && !args.yes {
        ask(&args.game, &plan)?;
    }
    let reply = session.call(&start(args, join, &plan))?;
    let Reply::Playing { setting_up } = reply else {
        return Err(client::unexpected(&reply).into());
    };
    if setting_up {
        until_set_up(&args.game, args.server, session)?;
    }
    let what = if args.server { "the server of " } else { "" };
    session.confirm(&reply, &format!("{what}{} runs", args.game))
}

fn start(args: &PlayArgs, join: Option<String>, plan: &PlayPlan) -> Command {
    let (game, hash, language) = (args.game.clone(), plan.hash.clone(), language(env::read));
    let accept = !plan.trusted;
    if args.server {
        return Command::StartServer(ServerCommand {
            game,
            hash,
            accept,
            language,
        });
    }
    Command::Play(PlayCommand {
        game,
        hash,
        accept,
        join,
        language,
    })
}

/// An address as it is, a peer by its key.
fn whom(join: &str, session: &Session) -> Result<String, Report> {
    if join.parse::<IpAddr>().is_ok() {
        return Ok(join.to_owned());
    }
    let (_, key) = kick::find(&session.snapshot()?.peers, join)?;
    Ok(key)
}

/// The first two letters of what the environment says.
fn language(read_env: impl Fn(&str) -> Option<String>) -> Option<String> {
    let said = [env::LC_ALL, env::LC_MESSAGES, env::LANG];
    let said = said.into_iter().find_map(read_env)?;
    let word = said.split(['_', '.', '-', '@']).next()?;
    let fits = word.len() == 2 && word.bytes().all(|b| b.is_ascii_lowercase());
    fits.then(|| word.to_owned())
}

/// Shows everything that the profile may start; `Err` unless a person agrees.
fn ask(game: &str, plan: &PlayPlan) -> Outcome {
    let needed = || {
        let message = format!("nobody agreed to how {game} is started");
        Failure::from(Report::new("consent-needed", message))
    };
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(needed());
    }
    let mut err = io::stderr().lock();
    writeln!(err, "Whoever published {game} says that it is started so:")?;
    for line in shown(plan) {
        writeln!(err, "{line}")?;
    }
    write!(err, "Start it, and do not ask again? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" | "j" | "J" | "ja" => Ok(()),
        _ => Err(needed()),
    }
}

/// Every command of a plan, and what it sets.
fn shown(plan: &PlayPlan) -> Vec<String> {
    let mut lines = vec![format!("  start   {}", quoted(&plan.program))];
    lines.push(format!("  in      {}", plan.program.folder));
    if let Some(setup) = &plan.setup {
        lines.push(format!("  before  {}", quoted(setup)));
    }
    if let Some(server) = plan.server.as_ref().filter(|s| **s != plan.program) {
        lines.push(format!("  server  {}", quoted(server)));
    }
    if !plan.settings.is_empty() {
        lines.push(format!("  sets    {}", plan.settings.join(", ")));
    }
    lines
}

/// Arguments whose ends can be seen.
fn quoted(program: &Program) -> String {
    let words = std::iter::once(&program.path).chain(&program.arguments);
    let words = words.map(|word| {
        let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@\\".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("{word:?}")
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Waits while the set-up runs; what failed is among the problems.
fn until_set_up(game: &str, server: bool, session: &Session) -> Outcome {
    if !session.out.is_json() {
        session.out.line("the set-up runs; it may ask something")?;
    }
    loop {
        let snapshot = session.snapshot()?;
        let failed = snapshot.problems.iter().find(|p| p.subject == game);
        if let Some(failed) = failed {
            return Err(Report::new(&failed.code, failed.message.clone()).into());
        }
        let found = snapshot.games.iter().find(|found| found.game == game);
        let play = found.and_then(|found| found.play);
        let waits = play.is_some_and(|play| match server {
            true => play.state == PlayState::Idle && !play.serving,
            false => play.state == PlayState::SettingUp,
        });
        if !waits {
            return Ok(());
        }
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &str, arguments: &[&str]) -> Program {
        Program {
            path: path.to_owned(),
            arguments: arguments.iter().map(|a| (*a).to_owned()).collect(),
            folder: "/games/oa/local".to_owned(),
        }
    }

    #[test]
    fn the_exact_command_is_shown() {
        let plan = PlayPlan {
            hash: "ab".repeat(32),
            trusted: false,
            source: lanspread_api::types::play::ProfileSource::Game,
            program: program("/games/oa/local/oa", &["+set", "name", "Ann B", ""]),
            setup: Some(program("pkexec", &["/games/oa/local/set up"])),
            server: Some(program("/games/oa/local/ded", &[])),
            settings: vec!["a.cfg".to_owned(), "b.ini".to_owned()],
        };
        insta::assert_snapshot!(shown(&plan).join("\n"), @r#"
          start   /games/oa/local/oa +set name "Ann B" ""
          in      /games/oa/local
          before  pkexec "/games/oa/local/set up"
          server  /games/oa/local/ded
          sets    a.cfg, b.ini
        "#);
    }

    #[test]
    fn languages_of_the_environment() {
        let check = |pairs: &[(&str, &str)], expected: Option<&str>| {
            let read = |name: &str| {
                let found = pairs.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(language(read).as_deref(), expected, "{pairs:?}");
        };
        check(&[], None);
        check(&[("LANG", "de_DE.UTF-8")], Some("de"));
        check(&[("LANG", "de"), ("LC_ALL", "en_GB")], Some("en"));
        check(&[("LANG", "C.UTF-8")], None);
        check(&[("LANG", "POSIX")], None);
    }
}
