//! The push side of what we have completely: whom we offer which piece.
//!
//! Invariant: only peers that say they download and serve are offered anything, and only while they
//! are linked; of each content there is one injector, as long as somebody downloads it.

use std::collections::BTreeMap;

use lanspread_proto::{
    ContentId, PeerId, PieceIndex, PieceSet,
    library::Availability,
    wire::{
        LinkMessage,
        link::{Have, HaveMap, PieceRef},
    },
};
use lanspread_swarm::{InjectAction, Injector, time::Instant};

use super::Served;
use crate::{
    clock::Clock,
    have_pages::HavePages,
    peers::PeersHandle,
    views::{LibraryView, PeersView, Watched},
};

/// All pushing of a node.
pub(super) struct Pushing {
    clock: Clock,
    peers: PeersHandle,
    me: Watched<PeersView>,
    library: Watched<LibraryView>,
    contents: BTreeMap<ContentId, Push>,
}

/// One content.
struct Push {
    injector: Injector,
    piece_count: u32,
    /// The pages of have-maps so far, of those who were asked.
    pages: BTreeMap<PeerId, HavePages>,
}

impl Pushing {
    pub(super) fn new(clock: Clock, peers: PeersHandle, library: Watched<LibraryView>) -> Self {
        Self {
            clock,
            me: peers.view(),
            peers,
            library,
            contents: BTreeMap::new(),
        }
    }

    /// A peer downloads a content that is here, and serves what it gets.
    pub(super) fn on_interest(&mut self, peer: PeerId, served: &Served) {
        if !served.have.is_full() {
            return;
        }
        let content = served.manifest.content();
        let place = self.place(content);
        let push = self.contents.entry(content).or_insert_with(|| {
            let geometry = served.manifest.geometry();
            let (piece_count, piece_bytes) = (geometry.piece_count(), geometry.chunk_size());
            let seed = crate::random::seed();
            Push {
                injector: Injector::new(piece_count, piece_bytes, place, seed),
                piece_count,
                pages: BTreeMap::new(),
            }
        });
        push.injector.on_interest(peer);
        self.act();
    }

    /// A peer downloads a content no longer: it has all of it, or stopped.
    pub(super) fn on_interest_off(&mut self, peer: PeerId, content: ContentId) {
        let now = self.clock.now();
        if let Some(push) = self.contents.get_mut(&content) {
            push.pages.remove(&peer);
            match push.injector.has(peer).is_some_and(PieceSet::is_full) {
                true => push.injector.on_downloader_done(now, peer),
                false => push.injector.on_downloader_gone(now, peer),
            }
            self.forget_idle();
        }
    }

    pub(super) fn on_peer_down(&mut self, peer: PeerId) {
        let now = self.clock.now();
        for push in self.contents.values_mut() {
            push.pages.remove(&peer);
            push.injector.on_downloader_gone(now, peer);
        }
        self.forget_idle();
    }

    fn forget_idle(&mut self) {
        self.contents.retain(|_, push| !push.injector.is_idle());
    }

    /// The content is no longer served.
    pub(super) fn on_withdraw(&mut self, content: ContentId) {
        self.contents.remove(&content);
    }

    pub(super) fn on_have_map(&mut self, peer: PeerId, map: &HaveMap) {
        let now = self.clock.now();
        let Some(push) = self.contents.get_mut(&map.content) else {
            return;
        };
        let piece_count = push.piece_count;
        if !push.injector.was_asked(peer) {
            return;
        }
        let pages = push.pages.entry(peer).or_default();
        if let Some(set) = pages.add(map, piece_count) {
            push.injector.on_downloader(now, peer, set);
        }
    }

    pub(super) fn on_have(&mut self, peer: PeerId, have: &Have) {
        let now = self.clock.now();
        if let Some(push) = self.contents.get_mut(&have.content) {
            push.injector.on_have(now, peer, &have.pieces);
        }
    }

    pub(super) fn on_declined(&mut self, peer: PeerId, offer: PieceRef) {
        let now = self.clock.now();
        if let Some(push) = self.contents.get_mut(&offer.content) {
            push.injector.on_declined(now, peer, offer.piece);
        }
    }

    /// A piece was written to its end.
    pub(super) fn on_sent(&mut self, peer: PeerId, content: ContentId, piece: PieceIndex) {
        let now = self.clock.now();
        if let Some(push) = self.contents.get_mut(&content) {
            push.injector.on_sent(now, peer, piece);
        }
    }

    /// `false` when the peer should ask for another piece first.
    pub(super) fn admits(
        &mut self,
        peer: PeerId,
        (content, piece): (ContentId, PieceIndex),
    ) -> bool {
        let now = self.clock.now();
        let push = self.contents.get_mut(&content);
        push.is_none_or(|push| push.injector.admits(now, peer, piece))
    }

    /// The piece is meant for this peer: its request goes before others.
    pub(super) fn is_offered(
        &self,
        peer: PeerId,
        (content, piece): (ContentId, PieceIndex),
    ) -> bool {
        let push = self.contents.get(&content);
        push.is_some_and(|push| push.injector.is_offered(peer, piece))
    }

    pub(super) fn on_tick(&mut self, uplink: u64) {
        let now = self.clock.now();
        let contents: Vec<ContentId> = self.contents.keys().copied().collect();
        for content in contents {
            let place = self.place(content);
            let Some(push) = self.contents.get_mut(&content) else {
                continue;
            };
            push.injector.set_bytes_per_second(uplink);
            push.injector.set_place(place);
            let due = push.injector.poll_timeout(now);
            if due.is_some_and(|due| due <= now) {
                push.injector.on_timeout(now);
            }
        }
    }

    /// Carries out what the injectors decided.
    pub(super) fn act(&mut self) {
        let now = self.clock.now();
        for (content, push) in &mut self.contents {
            while let Some(action) = push.injector.poll_action() {
                push.carry_out(now, &self.peers, *content, action);
            }
        }
    }

    /// Which of the complete holders we are, so that they begin at different pieces.
    fn place(&self, content: ContentId) -> (u32, u32) {
        let me = self.me.borrow().me;
        let library = self.library.borrow();
        let ready = library
            .holders(content)
            .iter()
            .filter(|(_, availability)| *availability == Availability::Ready);
        let (mut before, mut count) = (0, 1);
        for (peer, _) in ready {
            before += u32::from(*peer < me);
            count += 1;
        }
        (before, count)
    }
}

impl Push {
    fn carry_out(
        &mut self,
        now: Instant,
        peers: &PeersHandle,
        content: ContentId,
        action: InjectAction,
    ) {
        match action {
            InjectAction::WantHave { peer } => {
                // If it is lost the peer is not pushed to, and pulls.
                peers.tell(peer, LinkMessage::HaveWanted(content));
            }
            InjectAction::Offer { peer, piece } => {
                let offer = LinkMessage::Offer(PieceRef { content, piece });
                // A link that takes no more is as good as a peer that does not want it.
                if !peers.tell(peer, offer) {
                    self.injector.on_declined(now, peer, piece);
                }
            }
        }
    }
}
