//! How amounts, times and states are said to people.

use lanspread_api::{
    amount::Bytes,
    types::snapshot::{
        Game, Listed, NotShared, Operation, OperationKind, PeerState, Phase, Verified,
    },
};

/// A number with its noun: `1 peer`, `2 peers`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A rate, or nothing for none.
pub(crate) fn rate(bytes_per_second: u64) -> String {
    format!("{}/s", Bytes(bytes_per_second))
}

/// Time left: `2:05`, `1:02:03`.
pub(crate) fn time_left(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// Whole percent; `None` while the total is unknown. 100 only when all is done.
pub(crate) fn percent(done: u64, total: u64) -> Option<u64> {
    let hundredfold = u128::from(done) * 100;
    let percent = hundredfold.checked_div(u128::from(total))?;
    u64::try_from(percent.min(100)).ok()
}

/// What is going on with a game, in a few words.
pub(crate) fn state(game: &Game) -> String {
    if let Some(operation) = &game.operation
        && !operation.phase.is_end()
    {
        return self::operation(operation);
    }
    let mut words = Vec::new();
    let local = &game.local;
    match (&local.installed, &local.downloaded) {
        (Some(installed), _) if installed.version.is_none() => {
            words.push("installed, version unknown".to_owned());
        }
        (Some(_), Some(_)) => words.push("installed".to_owned()),
        (Some(_), None) => words.push("installed, no payload".to_owned()),
        (None, Some(_)) => words.push("downloaded".to_owned()),
        (None, None) => {}
    }
    if game.update_available {
        words.push("update".to_owned());
    }
    if game.conflict {
        words.push("conflict".to_owned());
    }
    if let Some(why) = &local.not_shared {
        words.push(not_shared(why));
    }
    if let Some(operation) = &game.operation
        && operation.phase == Phase::Failed
    {
        words.push(format!("{} failed", kind(operation.kind)));
    }
    if words.is_empty() {
        let sources = game.contents.iter().any(|content| content.ready > 0);
        words.push(
            if sources {
                "available"
            } else {
                "nobody has it ready"
            }
            .to_owned(),
        );
    }
    words.join(", ")
}

/// Where an operation is, with percent where they are known.
pub(crate) fn operation(operation: &Operation) -> String {
    match percent(operation.done_bytes, operation.total_bytes) {
        Some(percent) => format!("{} {percent}%", phase(operation.phase)),
        None => phase(operation.phase).to_owned(),
    }
}

/// Why a game of ours is not shared.
pub(crate) fn not_shared(why: &NotShared) -> String {
    match why {
        NotShared::NoVersion => "not shared yet".to_owned(),
        NotShared::SwitchedOff => "not shared: off".to_owned(),
        NotShared::Checking => "being checked".to_owned(),
        NotShared::Settling => "still changing".to_owned(),
        NotShared::Refused { code, .. } => format!("not shared: {code}"),
    }
}

/// The name of a phase.
pub(crate) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Queued => "queued",
        Phase::Paused => "paused",
        Phase::Preparing => "preparing",
        Phase::Adopting => "reusing local files",
        Phase::Downloading => "downloading",
        Phase::WaitingForSource => "waiting for a source",
        Phase::WaitingForGamesDir => "the games directory is not available",
        Phase::Committing => "finishing",
        Phase::Installing => "installing",
        Phase::Verifying => "verifying",
        Phase::CloseTheGame => "close the game to finish",
        Phase::Testing => "testing archives",
        Phase::Publishing => "publishing",
        Phase::Removing => "removing",
        Phase::Done => "done",
        Phase::Cancelled => "cancelled",
        Phase::Failed => "failed",
    }
}

/// The name of a kind of operation.
pub(crate) const fn kind(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Download => "download",
        OperationKind::Install => "install",
        OperationKind::Update => "update",
        OperationKind::Uninstall => "uninstall",
        OperationKind::Remove => "remove",
        OperationKind::Publish => "publish",
        OperationKind::Verify => "verify",
    }
}

/// What a verify found and mended, a line for each kind.
pub(crate) fn verified(found: &Verified) -> Vec<String> {
    let files = u64::from(found.payload_files) + u64::from(found.local_files);
    let mut lines = vec![format!("{} read", count(files, "file"))];
    let mut tell = |what: &str, listed: &Listed| {
        if listed.count > 0 {
            lines.push(format!("{what}: {}", names(listed)));
        }
    };
    tell("fetched again", &found.payload_damaged);
    tell("put back", &found.local_damaged);
    match found.forced {
        true => tell("put back, yours is in kept/", &found.local_changed),
        false => tell(
            "changed by you or the game, left as it is",
            &found.local_changed,
        ),
    }
    tell("not of the game, left where it is", &found.local_unknown);
    if lines.len() == 1 {
        lines.push("everything is as it should be".to_owned());
    }
    lines
}

/// The first few of a list, and how many more.
fn names(listed: &Listed) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = listed
        .first
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect();
    let more = u64::from(listed.count).saturating_sub(shown.len() as u64);
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The name of a peer's state.
pub(crate) const fn peer_state(state: PeerState) -> &'static str {
    match state {
        PeerState::Dialling => "dialling",
        PeerState::Connected => "connected",
        PeerState::Gone => "gone",
        PeerState::Blocked => "blocked",
        PeerState::OldLanspread => "old LanSpread",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        assert_eq!(count(1, "peer"), "1 peer");
        assert_eq!(count(0, "peer"), "0 peers");
        assert_eq!(time_left(0), "0:00");
        assert_eq!(time_left(124_001), "2:05");
        assert_eq!(time_left(3_723_000), "1:02:03");
        assert_eq!(percent(999, 1_000), Some(99));
        assert_eq!(percent(5, 0), None);
        assert_eq!(percent(u64::MAX, u64::MAX), Some(100));
    }
}
