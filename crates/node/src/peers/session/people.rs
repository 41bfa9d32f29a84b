//! What people hear and see of the peers, and what is written down of them for the next party.

use std::{collections::BTreeSet, time::Duration};

use lanspread_proto::PeerId;

use super::{super::roster, End, Session};
use crate::{notice::Notice, snapshot::Problem, views::PeersView};

/// Between two savings of the peers that are here.
const SAVE_INTERVAL: Duration = Duration::from_secs(30);

impl Session<'_> {
    /// Compares who is connected with what people know, and says what changed.
    pub(super) fn tell_people(&mut self) {
        let now: BTreeSet<PeerId> = self.decider.linked().map(|(peer, _)| peer).collect();
        if now == self.told || self.end == Some(End::Left) {
            return;
        }
        let before = std::mem::replace(&mut self.told, now.clone());
        for peer in before.difference(&now).copied() {
            self.notify(if self.goodbyes.contains(&peer) {
                Notice::PeerDisconnected { peer }
            } else {
                Notice::PeerLost { peer }
            });
        }
        self.goodbyes.clear();
        for peer in now.difference(&before).copied() {
            let name = self.roster.name(peer);
            self.notify(Notice::PeerConnected { peer, name });
        }
        let count = u32::try_from(now.len()).unwrap_or(u32::MAX);
        self.notify(Notice::PeerCount { count });
        self.changed = true;
        self.save_who_is_here();
    }

    fn save_who_is_here(&mut self) {
        self.keep.remember(self.decider.remembered());
        let now = self.now();
        if now >= self.save_at {
            self.save_at = now + SAVE_INTERVAL;
            let saving = self.keep.saving();
            let span = tracing::debug_span!("save");
            self.keep.session.spawn_blocking(span, saving);
        }
    }

    pub(super) fn build_view(&self) -> PeersView {
        let me = self.keep.identity.peer_id();
        let contacts = self.decider.views();
        let contacts = contacts.filter(|contact| contact.peer != me);
        let peers = contacts.filter_map(|contact| {
            let info = self.roster.info(&contact)?;
            Some((contact.peer, info))
        });
        let warnings = self.warnings.iter().map(|message| Problem {
            code: "discovery",
            subject: String::new(),
            message: message.clone(),
        });
        let clones = self.cloned_peers.iter().map(|peer| Problem {
            code: "peer-key-cloned",
            subject: peer.words(),
            message: "two programs use this peer's key; one of them will get a new one".to_owned(),
        });
        PeersView {
            me,
            name: self.keep.name.clone(),
            addresses: self.keep.addresses.announced(),
            reachable: roster::is_open(self.reachable),
            peers: peers.collect(),
            strangers: self.strangers.clone(),
            problems: clones.chain(warnings).collect(),
        }
    }
}
