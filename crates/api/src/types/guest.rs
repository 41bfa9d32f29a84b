//! What somebody is shown who only looks.
//!
//! Kept is what the library of the party and its traffic are made of. Left out are paths of the
//! machine, addresses, settings, and every text that an error carries.

use super::{
    Notice, Snapshot,
    snapshot::{Game, NotShared, Operation},
};
use crate::{auth::Visitor, error::Report};

impl Snapshot {
    /// As this visitor may see it.
    pub(crate) fn shown_to(self, visitor: Visitor) -> Self {
        match visitor {
            Visitor::Owner => self,
            Visitor::Guest => self.for_guests(),
        }
    }

    fn for_guests(mut self) -> Self {
        self.guest = true;
        self.me.addresses.clear();
        self.me.games_dir.clear();
        for game in &mut self.games {
            game.for_guests();
        }
        for peer in &mut self.peers {
            peer.address = None;
        }
        // An address that has not answered and an old program have nothing else to show.
        self.peers.retain(|peer| peer.peer.is_some());
        self.settings.wine = None;
        self.problems.clear();
        if let Some(first_run) = &mut self.first_run {
            first_run.games_dir.clear();
        }
        self
    }
}

impl Game {
    fn for_guests(&mut self) {
        self.folder = None;
        // Pictures are behind a door that guests have no key to.
        if let Some(about) = &mut self.about {
            about.cover = None;
        }
        if let Some(NotShared::Refused { entry, reason, .. }) = &mut self.local.not_shared {
            entry.clear();
            reason.clear();
        }
        if let Some(operation) = &mut self.operation {
            operation.for_guests();
        }
    }
}

impl Operation {
    fn for_guests(&mut self) {
        self.error = self.error.take().map(code_of);
        self.verified = None;
    }
}

impl Notice {
    /// As this visitor may see it, if at all.
    pub(crate) fn shown_to(self, visitor: Visitor) -> Option<Self> {
        match (visitor, self) {
            (Visitor::Owner, notice) => Some(notice),
            (Visitor::Guest, Self::PeerDiscovered { .. } | Self::ComponentFailed { .. }) => None,
            (
                Visitor::Guest,
                Self::OperationFailed {
                    operation,
                    kind,
                    game,
                    error,
                },
            ) => Some(Self::OperationFailed {
                operation,
                kind,
                game,
                error: code_of(error),
            }),
            (
                Visitor::Guest,
                notice @ (Self::Ready { .. }
                | Self::LocalLibraryChanged
                | Self::RemoteLibraryChanged { .. }
                | Self::OperationBegun { .. }
                | Self::ChunkFinished { .. }
                | Self::Progress { .. }
                | Self::OperationFinished { .. }
                | Self::OperationCancelled { .. }
                | Self::AllPeersGone { .. }
                | Self::NoPeerHasIt { .. }
                | Self::PeerConnected { .. }
                | Self::PeerDisconnected { .. }
                | Self::PeerLost { .. }
                | Self::PeerCount { .. }
                | Self::UploadsChanged
                | Self::OperationsChanged
                | Self::LowDiskBegun { .. }
                | Self::PeerRefused { .. }
                | Self::EntrySkipped { .. }
                | Self::IdentityReplaced { .. }
                | Self::Missed { .. }),
            ) => Some(notice),
        }
    }
}

/// What kind of error it was; its texts may name paths.
fn code_of(report: Report) -> Report {
    Report {
        kind: report.kind,
        code: report.code,
        message: String::new(),
        causes: Vec::new(),
        hints: Vec::new(),
        choices: report.choices,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        from_node::tests as sample,
        types::snapshot::{FirstRun, OperationKind, Phase, Problem},
    };

    const SECRET: &str = "/srv/secret";

    fn full() -> Snapshot {
        let mut full = Snapshot::from(&sample::snapshot());
        let path = || SECRET.to_owned();
        let error = Report::new("disk", SECRET).caused_by(&std::io::Error::other(SECRET));
        full.me.games_dir = path();
        full.me.addresses = vec!["10.99.0.1:47100".parse().unwrap()];
        full.settings.wine = Some(path());
        full.first_run = Some(FirstRun {
            games_dir: path(),
            name: "n".to_owned(),
        });
        full.problems = vec![Problem {
            code: "disk".to_owned(),
            subject: path(),
            message: path(),
        }];
        for peer in &mut full.peers {
            peer.address = Some("10.99.0.2:47100".parse().unwrap());
        }
        for game in &mut full.games {
            game.folder = Some(path());
            game.local.not_shared = Some(NotShared::Refused {
                entry: path(),
                code: "c".to_owned(),
                reason: path(),
            });
            let operation = game.operation.as_mut().unwrap();
            operation.phase = Phase::Failed;
            operation.error = Some(error.clone());
        }
        full
    }

    #[test]
    fn a_guest_sees_no_path_and_no_address() {
        let full = full();
        let text = |snapshot: &Snapshot| serde_json::to_string(snapshot).unwrap();
        assert!(text(&full).contains(SECRET) && text(&full).contains("10.99.0."));
        let shown = full.clone().shown_to(Visitor::Guest);
        assert!(!text(&shown).contains(SECRET), "{}", text(&shown));
        assert!(!text(&shown).contains("10.99.0."), "{}", text(&shown));
        assert!(full.games[0].about.as_ref().unwrap().cover.is_some());
        assert_eq!(shown.games[0].about.as_ref().unwrap().cover, None);
        assert!(shown.guest && !full.guest);
        assert_eq!(shown.games.len(), full.games.len());
        assert_eq!(shown.games[0].title, full.games[0].title);
        let error = shown.games[0].operation.as_ref().unwrap().error.as_ref();
        assert_eq!(error.unwrap().code, "disk");
        assert_eq!(full.clone().shown_to(Visitor::Owner), full);
    }

    #[test]
    fn a_guest_hears_no_path_and_no_address() {
        let failed = Notice::OperationFailed {
            operation: 1,
            kind: OperationKind::Download,
            game: "quake".to_owned(),
            error: Report::new("disk", SECRET),
        };
        let shown = failed.clone().shown_to(Visitor::Guest).unwrap();
        assert!(!serde_json::to_string(&shown).unwrap().contains(SECRET));
        assert_eq!(failed.clone().shown_to(Visitor::Owner), Some(failed));
        let seen = Notice::PeerDiscovered {
            peer: None,
            address: "10.99.0.1:1".parse().unwrap(),
        };
        assert_eq!(seen.shown_to(Visitor::Guest), None);
        let count = Notice::PeerCount { count: 3 };
        assert_eq!(count.clone().shown_to(Visitor::Guest), Some(count));
    }
}
