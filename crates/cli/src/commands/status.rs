//! `status`: how this node is, in one look.

use lanspread_api::{
    Snapshot,
    amount::Bytes,
    types::snapshot::{LeftWhy, Me, PeerState, Sharing},
};

use crate::{
    output::{Output, Tone},
    report::Outcome,
    session::Session,
    words,
};

/// Show how the running node is: where it listens, what it does, what needs attention
#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {}

/// Columns of what stands before a fact.
const KEY_COLUMNS: usize = 9;

pub(crate) fn run(_args: &StatusArgs, session: &Session) -> Outcome {
    let snapshot = session.snapshot()?;
    if session.out.is_json() {
        return Ok(session.out.json(&snapshot)?);
    }
    for line in lines(&snapshot, &session.out) {
        session.out.line(line)?;
    }
    Ok(())
}

fn lines(snapshot: &Snapshot, out: &Output) -> Vec<String> {
    let me = &snapshot.me;
    let mut lines = vec![format!(
        "{}  {}",
        out.paint(Tone::Strong, &me.name),
        me.words
    )];
    let mut fact = |key: &str, value: String| lines.extend(out.fact(key, KEY_COLUMNS, &value));
    fact("listens", addresses(me));
    fact("games", games(snapshot));
    fact("peers", peers(snapshot));
    fact("sharing", sharing(me));
    fact(
        "traffic",
        format!(
            "{} in, {} out",
            words::rate(me.down_rate),
            words::rate(me.up_rate)
        ),
    );
    if let Some(hashing) = me.hashing {
        let (done, total) = (Bytes(hashing.done_bytes), Bytes(hashing.total_bytes));
        let left = hashing
            .left_ms
            .map_or_else(String::new, |ms| format!(", {} left", words::time_left(ms)));
        fact("checking", format!("{done} of {total}{left}"));
    }
    if let Some(mirror) = mirror(snapshot) {
        fact("mirror", mirror);
    }
    for game in &snapshot.games {
        if let Some(operation) = game.operation.as_ref().filter(|o| !o.phase.is_end()) {
            let (kind, state) = (words::kind(operation.kind), words::operation(operation));
            fact("now", format!("{kind} of {}: {state}", game.game));
        }
    }
    for component in snapshot.components.iter().filter(|part| !part.running) {
        let name = format!("does not run: {}", component.component.for_people());
        lines.extend(out.marked_fact(Some(Tone::Bad), "problem", KEY_COLUMNS, &name));
    }
    for problem in &snapshot.problems {
        // Many messages say only what is wrong, not with what.
        let subject = match problem.message.contains(&problem.subject) {
            true => String::new(),
            false => format!("{}: ", problem.subject),
        };
        let (message, code) = (&problem.message, &problem.code);
        let text = format!("{subject}{message} [{code}]");
        lines.extend(out.marked_fact(Some(Tone::Warn), "problem", KEY_COLUMNS, &text));
    }
    lines
}

/// What is kept of others' games, and what is not; nothing without a mirror.
fn mirror(snapshot: &Snapshot) -> Option<String> {
    let mirror = &snapshot.mirror;
    if !mirror.on {
        return None;
    }
    let quota = snapshot.settings.mirror_quota;
    let quota = quota.map_or_else(String::new, |quota| format!(" of {}", Bytes(quota)));
    let mut parts = vec![format!(
        "{} kept, {}{quota}",
        words::count(mirror.kept_games.into(), "game"),
        Bytes(mirror.kept_bytes)
    )];
    let coming = mirror.fetching_games + mirror.waiting_games;
    if coming > 0 {
        parts.push(format!("{coming} to come"));
    }
    for (why, text) in [
        (LeftWhy::OverQuota, "beyond the quota"),
        (LeftWhy::NoRoom, "without room"),
        (LeftWhy::Resting, "failed, tried again later"),
        (LeftWhy::Unclear, "waiting for a choice or a whole source"),
    ] {
        let games = mirror.left.iter().filter(|left| left.why == why);
        let names: Vec<&str> = games.map(|left| left.game.as_str()).collect();
        if !names.is_empty() {
            parts.push(format!("{text}: {}", names.join(" ")));
        }
    }
    Some(parts.join("; "))
}

fn addresses(me: &Me) -> String {
    if me.addresses.is_empty() {
        return "nowhere yet".to_owned();
    }
    let all: Vec<String> = me.addresses.iter().map(ToString::to_string).collect();
    let reachable = match me.reachable {
        Some(true) => ", reached by others",
        Some(false) => ", not reached by others (firewall?)",
        None => "",
    };
    all.join(" ") + reachable
}

fn games(snapshot: &Snapshot) -> String {
    let ours = snapshot
        .games
        .iter()
        .filter(|game| game.local.downloaded.is_some());
    let state = if snapshot.me.games_dir_available {
        ""
    } else {
        " (not available)"
    };
    format!(
        "{} here, {} in all, in {}{state}",
        ours.count(),
        snapshot.games.len(),
        snapshot.me.games_dir
    )
}

fn peers(snapshot: &Snapshot) -> String {
    let connected = snapshot
        .peers
        .iter()
        .filter(|p| p.state == PeerState::Connected);
    format!("{} connected", connected.count())
}

fn sharing(me: &Me) -> String {
    match (me.sharing, me.sharing_pause_left_ms) {
        (Sharing::On, _) => "on".to_owned(),
        (Sharing::Off, _) => "off".to_owned(),
        (Sharing::Paused, Some(left)) => format!("paused, {} left", words::time_left(left)),
        (Sharing::Paused, None) => "paused".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn one_look() {
        let lines = lines(&sample::snapshot(), &Output::plain(80));
        insta::assert_snapshot!(lines.join("\n"), @r"
        Box  bisal-bisal-bisal-bisal
          listens   192.168.100.7:47100, not reached by others (firewall?)
          games     1 here, 4 in all, in /games
          peers     2 connected
          sharing   paused, 10:00 left
          traffic   112 MB/s in, 0 B/s out
          checking  1.0 GB of 4.0 GB, 0:03 left
          now       download of battlefield 1942: downloading 44%
          problem   does not run: multicast discovery
          problem   /games: the games directory is not available [games-dir-unavailable]
        ");
    }

    #[test]
    fn fits_a_narrow_terminal() {
        let lines = lines(&sample::snapshot(), &Output::plain(48));
        assert!(lines.iter().all(|line| line.chars().count() <= 48));
        insta::assert_snapshot!(lines[lines.len() - 2..].join("\n"), @r"
          problem   /games: the games directory is not
                    available [games-dir-unavailable]
        ");
    }
}
