//! [`examine`]: looks for what is in the way: the node, the network, the disk, the clock. Needs no
//! running node.

use std::path::PathBuf;

use lanspread_proto::text::visible;

use crate::types::{
    Snapshot,
    reply::{Finding, Level},
};

mod disk;
mod network;
mod running;
#[cfg(any(windows, test))]
mod windows;

/// What is looked at.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts that do not exclude each other"
)]
pub struct Case<'a> {
    /// The node, if one runs.
    pub running: Option<&'a Snapshot>,
    /// Where the program keeps its state.
    pub state_dir: Option<PathBuf>,
    /// The games directory, running or not.
    pub games_dir: Option<PathBuf>,
    /// No node has run yet: no port is tried before one may.
    pub first_start: bool,
    /// The games directory is made at the first start, and need not be there.
    pub makes_games_dir: bool,
}

/// The code of what is as it should be.
const GOOD: &str = "good";

impl Finding {
    fn good(subject: &str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Good,
            code: GOOD.to_owned(),
            subject: subject.to_owned(),
            message: visible(&message.into()),
        }
    }

    fn warn(code: &str, subject: &str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warn,
            code: code.to_owned(),
            ..Self::good(subject, message)
        }
    }

    fn bad(code: &str, subject: &str, message: impl Into<String>) -> Self {
        Self {
            level: Level::Bad,
            ..Self::warn(code, subject, message)
        }
    }
}

/// Looks. Opens the default port for a moment, unless a node runs or this is the first start. Must
/// be called within a tokio runtime.
pub async fn examine(case: Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match case.running {
        Some(snapshot) => findings.extend(running::findings(snapshot)),
        None if case.first_start => {}
        None => findings.push(network::port().await),
    }
    findings.extend(network::interfaces());
    let Case {
        state_dir,
        games_dir,
        makes_games_dir,
        first_start: _,
        running: _,
    } = case;
    let look = move || {
        let state = state_dir.map(|dir| disk::state(&dir));
        let games = games_dir.map(|dir| disk::games(&dir, makes_games_dir));
        state
            .into_iter()
            .chain(games.into_iter().flatten())
            .chain(of_this_system())
            .collect()
    };
    let looked: Result<Vec<_>, _> = tokio::task::spawn_blocking(look).await;
    findings.extend(looked.unwrap_or_default());
    findings.push(clock(jiff::Timestamp::now()));
    findings
}

/// What only this system has.
#[cfg(not(windows))]
const fn of_this_system() -> Vec<Finding> {
    Vec::new()
}

/// What only this system has.
#[cfg(windows)]
fn of_this_system() -> Vec<Finding> {
    let program = std::env::current_exe().unwrap_or_default();
    let told = windows::ask(&program);
    let interfaces = lanspread_node::doctor::interfaces().unwrap_or_default();
    windows::judge(told.as_ref(), &program, &interfaces)
}

/// A clock that is years off makes dates of versions and logs useless.
fn clock(now: jiff::Timestamp) -> Finding {
    const PLAUSIBLE: std::ops::Range<i64> = 1_767_225_600..4_102_444_800;
    let text = now.strftime("%Y-%m-%d %H:%M UTC").to_string();
    if PLAUSIBLE.contains(&now.as_second()) {
        Finding::good("clock", text)
    } else {
        Finding::warn("clock", "clock", text)
    }
}

#[cfg(test)]
mod tests;
