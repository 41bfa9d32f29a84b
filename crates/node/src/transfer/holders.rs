//! Who is a source of a download.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use lanspread_proto::{PeerId, library::Availability};
use lanspread_swarm::neighbours;

use super::Transfer;
use crate::views::PeersView;

impl Transfer {
    /// Everybody who is linked and said to have something of the content is a source; of a large
    /// party, those that are our neighbours.
    pub(super) fn learn_holders(&mut self) {
        self.ports.peers_view.mark_unchanged();
        self.ports.library.mark_unchanged();
        let peers = Arc::clone(&self.ports.peers_view.borrow());
        for peer in self.neighbours(&peers) {
            self.learn(peer, &peers);
        }
        self.tell_if_all_gone();
    }

    pub(super) fn learn_holder(&mut self, peer: PeerId) {
        let peers = Arc::clone(&self.ports.peers_view.borrow());
        if self.neighbours(&peers).contains(&peer) {
            self.learn(peer, &peers);
        }
    }

    /// With whom we trade, of those that have something and are linked.
    fn neighbours(&self, peers: &PeersView) -> BTreeSet<PeerId> {
        let library = Arc::clone(&self.ports.library.borrow());
        let holders = library.holders(self.content()).iter();
        let serving = holders.filter(|(_, holds)| *holds != Availability::LocalOnly);
        let serving: BTreeSet<PeerId> = serving.map(|(peer, _)| *peer).collect();
        let linked = peers.connected().filter(|(peer, _)| serving.contains(peer));
        neighbours::choose(peers.me, linked.map(|(peer, info)| (peer, info.path.near)))
    }

    fn learn(&mut self, peer: PeerId, peers: &PeersView) {
        let Some((_, info)) = peers.connected().find(|(linked, _)| *linked == peer) else {
            return;
        };
        let refused = self.ports.liars.borrow().is_refused(peer, self.content());
        if !refused && self.sources.add(peer, info) {
            self.sources.tell_interest(&self.ports.peers);
            self.sources.open_lane(&self.ports, peer, Duration::ZERO);
        }
        self.update_facts(peer);
    }

    pub(super) fn update_facts(&mut self, peer: PeerId) {
        let liars = self.ports.liars.borrow();
        let lied = liars.has_lied_besides(peer, self.content());
        drop(liars);
        if let Some(facts) = self.sources.facts(peer, lied) {
            self.download.on_peer(self.ports.clock.now(), peer, facts);
        }
    }
}
