//! [`Front`]: the state that the doors show: the node's snapshot, and what only the program around
//! the node knows.

use std::sync::Arc;

use crate::types::{
    Snapshot,
    snapshot::{FirstRun, Me, Mirror, Settings, Sharing, Volume},
};

/// The state that the doors show. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// Grows with each change.
    pub revision: u64,
    /// The node, once it runs.
    pub node: Option<Arc<lanspread_node::Snapshot>>,
    /// What is around it.
    pub around: Arc<Around>,
}

/// What the program around the node knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    /// What is still to be confirmed at the first start.
    pub first_run: Option<FirstRun>,
    /// The program ends when nobody downloads from us any more.
    pub quitting: bool,
    /// The volume of the games directory.
    pub disk: Option<Volume>,
}

impl From<&Front> for Snapshot {
    fn from(front: &Front) -> Self {
        let Around {
            first_run,
            quitting,
            disk,
        } = &*front.around;
        let node = front.node.as_deref().map(Self::from);
        let mut snapshot = node.unwrap_or_else(|| unstarted(first_run.as_ref()));
        snapshot.revision = front.revision;
        snapshot.first_run.clone_from(first_run);
        snapshot.quitting = *quitting;
        snapshot.me.disk = *disk;
        snapshot
    }
}

/// All that is known before a node runs.
fn unstarted(first_run: Option<&FirstRun>) -> Snapshot {
    let proposed = first_run.cloned().unwrap_or_else(|| FirstRun {
        games_dir: String::new(),
        name: String::new(),
    });
    Snapshot {
        revision: 0,
        me: Me {
            peer: String::new(),
            words: String::new(),
            name: proposed.name,
            addresses: Vec::new(),
            games_dir: proposed.games_dir,
            games_dir_available: false,
            disk: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sharing: Sharing::Off,
            sharing_pause_left_ms: None,
            reachable: None,
            down_rate: 0,
            up_rate: 0,
            hashing: None,
        },
        games: Vec::new(),
        peers: Vec::new(),
        queue: Vec::new(),
        uploads: Vec::new(),
        settings: Settings::from(&lanspread_node::config::Settings::default()),
        mirror: Mirror::default(),
        problems: Vec::new(),
        components: Vec::new(),
        first_run: None,
        quitting: false,
        guest: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_node::tests as sample;

    #[test]
    fn before_and_after_the_first_start() {
        let first_run = FirstRun {
            games_dir: "/games".to_owned(),
            name: "Box".to_owned(),
        };
        let around = Around {
            first_run: Some(first_run.clone()),
            ..Around::default()
        };
        let front = Front {
            revision: 1,
            node: None,
            around: Arc::new(around),
        };
        let shown = Snapshot::from(&front);
        assert_eq!(shown.first_run, Some(first_run));
        assert_eq!(
            (shown.me.name.as_str(), shown.me.peer.as_str()),
            ("Box", "")
        );
        let disk = Volume {
            free_bytes: 1,
            total_bytes: 2,
        };
        let front = Front {
            revision: 7,
            node: Some(Arc::new(sample::snapshot())),
            around: Arc::new(Around {
                quitting: true,
                disk: Some(disk),
                first_run: None,
            }),
        };
        let shown = Snapshot::from(&front);
        assert_eq!((shown.revision, shown.quitting), (7, true));
        assert_eq!((shown.first_run, shown.me.disk), (None, Some(disk)));
        assert_eq!(shown.games.len(), 1);
    }
}
