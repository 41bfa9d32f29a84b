//! [`Delta`]: what changed between two snapshots, with the notices of that time.

use serde::{Deserialize, Serialize};

use super::{
    Notice, Snapshot,
    snapshot::{ComponentState, Game, Me, Mirror, Peer, Problem, Settings, Upload},
};

/// What changed since the snapshot with the revision `previous`. What is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[cfg_attr(test, ts(optional_fields))]
#[serde(default)]
#[derive(Default)]
pub struct Delta {
    /// The revision after it.
    pub revision: u64,
    /// The revision before it; a reader that has another one needs a snapshot.
    pub previous: u64,
    /// This node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub me: Option<Me>,
    /// Games that are new or changed, whole, sorted by id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub games: Vec<Game>,
    /// Ids of games that are not known any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub gone_games: Vec<String>,
    /// All peers, if one changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<Vec<Peer>>,
    /// The queue, if it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Vec<String>>,
    /// All uploads, if one changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uploads: Option<Vec<Upload>>,
    /// The settings, if one changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
    /// What is kept of others' games, if that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirror: Option<Mirror>,
    /// All problems, if they changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<Vec<Problem>>,
    /// All components, if one changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<Vec<ComponentState>>,
    /// Whether the program ends when nobody downloads from us any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quitting: Option<bool>,
    /// What happened meanwhile. The state after this delta knows of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(test, ts(as = "Option<_>", optional))]
    pub notices: Vec<Notice>,
}

impl Delta {
    /// What changed, without notices; `None` when only a whole snapshot tells it.
    #[must_use]
    pub fn between(before: &Snapshot, after: &Snapshot) -> Option<Self> {
        if before.first_run != after.first_run || after.revision < before.revision {
            return None;
        }
        let (games, gone_games) = games_between(&before.games, &after.games);
        Some(Self {
            revision: after.revision,
            previous: before.revision,
            me: changed(&before.me, &after.me),
            games,
            gone_games,
            peers: changed(&before.peers, &after.peers),
            queue: changed(&before.queue, &after.queue),
            uploads: changed(&before.uploads, &after.uploads),
            settings: changed(&before.settings, &after.settings),
            mirror: changed(&before.mirror, &after.mirror),
            problems: changed(&before.problems, &after.problems),
            components: changed(&before.components, &after.components),
            quitting: changed(&before.quitting, &after.quitting),
            notices: Vec::new(),
        })
    }

    /// Nothing changed but the number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let empty = Self {
            revision: self.revision,
            previous: self.previous,
            ..Self::default()
        };
        *self == empty
    }
}

fn changed<T: PartialEq + Clone>(before: &T, after: &T) -> Option<T> {
    (before != after).then(|| after.clone())
}

/// Both are sorted by id: one walk through both finds what is new, changed or gone.
fn games_between(before: &[Game], after: &[Game]) -> (Vec<Game>, Vec<String>) {
    let (mut games, mut gone) = (Vec::new(), Vec::new());
    let mut old = before.iter().peekable();
    for game in after {
        while let Some(left) = old.next_if(|other| other.game < game.game) {
            gone.push(left.game.clone());
        }
        let same = old.next_if(|other| other.game == game.game);
        if same != Some(game) {
            games.push(game.clone());
        }
    }
    gone.extend(old.map(|left| left.game.clone()));
    (games, gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_node::tests as sample;

    fn snapshot(revision: u64, games: &[(&str, &str)]) -> Snapshot {
        let sample = Snapshot::from(&sample::snapshot());
        let one = sample.games[0].clone();
        let game = |(id, title): &(&str, &str)| Game {
            game: (*id).to_owned(),
            title: (*title).to_owned(),
            ..one.clone()
        };
        Snapshot {
            revision,
            games: games.iter().map(game).collect(),
            ..sample
        }
    }

    /// As a reader does it.
    fn apply(before: &Snapshot, delta: Delta) -> Snapshot {
        assert_eq!(before.revision, delta.previous);
        let mut after = before.clone();
        after.revision = delta.revision;
        after.games.retain(|game| {
            let is_new = delta.games.iter().any(|new| new.game == game.game);
            !is_new && !delta.gone_games.contains(&game.game)
        });
        after.games.extend(delta.games);
        after.games.sort_by(|a, b| a.game.cmp(&b.game));
        after.me = delta.me.unwrap_or(after.me);
        after.peers = delta.peers.unwrap_or(after.peers);
        after.queue = delta.queue.unwrap_or(after.queue);
        after.uploads = delta.uploads.unwrap_or(after.uploads);
        after.settings = delta.settings.unwrap_or(after.settings);
        after.mirror = delta.mirror.unwrap_or(after.mirror);
        after.problems = delta.problems.unwrap_or(after.problems);
        after.components = delta.components.unwrap_or(after.components);
        after.quitting = delta.quitting.unwrap_or(after.quitting);
        after
    }

    #[test]
    fn what_changed_leads_from_one_to_the_other() {
        let libraries: [&[(&str, &str)]; 7] = [
            &[],
            &[("a", "A")],
            &[("b", "B")],
            &[("a", "A"), ("b", "B"), ("c", "C")],
            &[("a", "A"), ("b", "new"), ("d", "D")],
            &[("b", "B"), ("c", "new"), ("d", "D"), ("e", "E")],
            &[("e", "E")],
        ];
        for before in libraries {
            for after in libraries {
                let (before, after) = (snapshot(3, before), snapshot(4, after));
                let delta = Delta::between(&before, &after).unwrap();
                assert_eq!(delta.is_empty(), before.games == after.games);
                let unchanged = |game: &Game| !before.games.contains(game);
                assert!(delta.games.iter().all(unchanged), "only what changed");
                assert_eq!(apply(&before, delta), after);
            }
        }
    }

    #[test]
    fn every_part_is_told() {
        let before = snapshot(3, &[("a", "A")]);
        let mut after = Snapshot {
            revision: 9,
            ..before.clone()
        };
        after.me.down_rate += 1;
        after.peers.clear();
        after.queue.clear();
        after.uploads.clear();
        after.settings.downloads_max += 1;
        after.mirror.kept_games += 1;
        after.problems.clear();
        after.components.clear();
        after.quitting = true;
        let delta = Delta::between(&before, &after).unwrap();
        assert_eq!(apply(&before, delta), after);
    }

    #[test]
    fn some_changes_need_a_whole_snapshot() {
        let (before, older) = (snapshot(3, &[]), snapshot(2, &[]));
        assert_eq!(Delta::between(&before, &older), None);
        let first = crate::types::snapshot::FirstRun {
            games_dir: String::new(),
            name: String::new(),
        };
        let after = Snapshot {
            first_run: Some(first),
            ..before.clone()
        };
        assert_eq!(Delta::between(&before, &after), None);
    }

    #[test]
    fn nothing_is_little() {
        let delta = Delta::between(&snapshot(3, &[]), &snapshot(4, &[])).unwrap();
        let text = serde_json::to_string(&delta).unwrap();
        assert_eq!(text, r#"{"revision":4,"previous":3}"#);
    }
}
