//! The steps of [`Download`]: asking, taking back, noticing what does not come.

use alloc::vec::Vec;
use lanspread_proto::{
    PeerId, PieceIndex,
    wire::{lane::GoneReason, link::Sharing},
};

use super::{
    Download, DownloadAction, Path, SourceState, TICK,
    endgame::{self, Urgency},
    score::{Source, Standing},
};
use crate::time::Instant;

/// Sources compared for one request.
const SOURCE_SAMPLE: usize = 3;

impl Download {
    /// After every input: ask for what can be asked for, and see how things stand.
    pub(super) fn settle(&mut self, now: Instant) {
        let sources = self.sources.values_mut();
        sources.for_each(|source| source.forget_stall(now));
        if !self.paused {
            self.fill(now);
            self.ask_twice(now);
        }
        let state = self.observe_state();
        if state != self.state {
            self.state = state;
            self.actions.push_back(DownloadAction::State(state));
        }
        self.set_tick(now);
    }

    fn set_tick(&mut self, now: Instant) {
        let asked = !self.askers.is_empty();
        let pauses = self.sources.values().filter_map(|s| s.pause_end(now)).min();
        let pushing = self.sources.values().any(|s| s.offers.go_on(now));
        self.tick_at = match (self.have.is_full() || self.paused, asked || pushing) {
            (true, _) => None,
            (false, true) => Some(self.tick_at.unwrap_or(now + TICK)),
            (false, false) => pauses,
        };
        if let (Some(tick), Some(end)) = (self.tick_at, pauses) {
            self.tick_at = Some(tick.min(end));
        }
    }

    fn observe_state(&self) -> SourceState {
        if self.is_content() {
            return SourceState::Working;
        }
        if self.have.is_full() {
            return SourceState::Complete;
        }
        let has_some = |source: &&Source| source.useful > 0 || !source.asks.is_empty();
        let mut state = SourceState::NoSource;
        for source in self.sources.values().filter(has_some) {
            if source.is_live() {
                return SourceState::Working;
            }
            state = SourceState::Starving;
        }
        state
    }

    /// Source first, then the piece.
    fn fill(&mut self, now: Instant) {
        while !self.wanted.is_empty() && self.live_outstanding() < self.outstanding_max {
            let Some(peer) = self.choose_source(now) else {
                return;
            };
            let picked = self.wanted.pick(&self.availability, peer, &mut self.random);
            let Some(piece) = picked else {
                return;
            };
            self.ask(now, peer, piece);
        }
    }

    /// Pieces of a stalled source do not keep others from being asked.
    fn live_outstanding(&self) -> u64 {
        let live = self.sources.values().filter(|source| !source.is_stalled());
        live.map(Source::owed).sum()
    }

    /// The least expected wait of three random peers that have something for us.
    fn choose_source(&mut self, now: Instant) -> Option<PeerId> {
        let wired = self.has_wired_source();
        let ended = self.has_ended();
        let usable = |source: &Source| {
            source.useful > 0
                && !(wired && source.facts.path == Path::Wireless)
                && (ended || !source.offers.go_on(now))
                && source.has_room(now, self.piece_max, self.outstanding_max)
        };
        let all = self.sources.iter().filter(|(_, source)| usable(source));
        let mut peers: Vec<PeerId> = all.map(|(peer, _)| *peer).collect();
        // What a complete source can send is what a party is short of.
        if peers.iter().any(|peer| self.is_partial(*peer)) {
            peers.retain(|peer| self.is_partial(*peer));
        }
        let sample = self.random.draw(&mut peers, SOURCE_SAMPLE);
        let wait = |peer: &&PeerId| {
            let source = self.sources.get(*peer);
            source.map(|source| source.expected_wait(now, 0))
        };
        sample.iter().min_by_key(wait).copied()
    }

    fn has_wired_source(&self) -> bool {
        let wired = |s: &Source| s.facts.path == Path::Wired && s.useful > 0 && s.is_live();
        self.sources.values().any(wired)
    }

    fn has_ended(&self) -> bool {
        // A reader never comes to an end that could be seen from here.
        self.demand.is_none() && endgame::has_begun(self.missing_bytes, self.tally.total_bytes())
    }

    /// Pieces whose source stalls, or is late at the end, are asked for a second time.
    fn ask_twice(&mut self, now: Instant) {
        let ended = self.has_ended();
        let awaited = self.awaited();
        let troubled = |source: &Source| ended || !source.is_live();
        if awaited.is_none() && !self.sources.values().any(troubled) {
            return;
        }
        let asked_once = self.askers.iter().filter(|(_, askers)| **askers == 1);
        let pieces: Vec<PieceIndex> = asked_once.map(|(piece, _)| *piece).collect();
        for piece in pieces {
            if self.live_outstanding() >= self.outstanding_max {
                return;
            }
            let urgency = match awaited == Some(piece) {
                true => Urgency::Awaited,
                false if ended => Urgency::End,
                false => Urgency::Usual,
            };
            if let Some(other) = self.second_source(now, piece, urgency) {
                self.ask(now, other, piece);
            }
        }
    }

    fn second_source(&self, now: Instant, piece: PieceIndex, urgency: Urgency) -> Option<PeerId> {
        let first = |(peer, source): (&PeerId, &'_ Source)| {
            source.asks.get(&piece).map(|ask| (*peer, *ask))
        };
        let (slow, ask) = self.sources.iter().find_map(first)?;
        let slow_source = self.sources.get(&slow)?;
        let has_room = |source: &Source| match urgency {
            Urgency::Awaited => source.has_lane(now),
            Urgency::End | Urgency::Usual => {
                source.has_room(now, self.piece_max, self.outstanding_max)
            }
        };
        let able = |(peer, source): &(&PeerId, &Source)| {
            **peer != slow
                && has_room(source)
                && self.availability.has(**peer, piece)
                && endgame::is_worth(now, urgency, (slow_source, &ask), source)
        };
        let others = self.sources.iter().filter(able);
        let best = others
            .min_by_key(|(_, source)| (source.facts.path, source.expected_wait(now, ask.bytes)));
        best.map(|(peer, _)| *peer)
    }

    fn ask(&mut self, now: Instant, peer: PeerId, piece: PieceIndex) {
        let bytes = self.size(piece);
        self.set_wanted(piece, false);
        self.with_source(peer, |source| source.on_ask(now, piece, bytes));
        *self.askers.entry(piece).or_default() += 1;
        self.actions
            .push_back(DownloadAction::Request { peer, piece });
    }

    /// An ask ended without the piece. `false` when there was none.
    pub(super) fn take_back(&mut self, peer: PeerId, piece: PieceIndex) -> bool {
        let source = self.sources.get_mut(&peer);
        if !source.is_some_and(|source| source.on_ask_over(piece, false)) {
            return false;
        }
        self.count_asker_off(piece);
        true
    }

    fn count_asker_off(&mut self, piece: PieceIndex) {
        match self.askers.get_mut(&piece) {
            Some(askers) if *askers > 1 => *askers -= 1,
            Some(_) | None => {
                self.askers.remove(&piece);
                let missing = !self.have.contains(piece) && self.is_demanded(piece);
                self.set_wanted(piece, missing);
            }
        }
    }

    /// The peer cannot answer any more.
    pub(super) fn take_back_all(&mut self, peer: PeerId) {
        for piece in self.asks_of(peer) {
            self.take_back(peer, piece);
        }
    }

    /// The peer is told that nothing is wanted from it.
    pub(super) fn cancel_all(&mut self, peer: PeerId) {
        for piece in self.asks_of(peer) {
            self.cancel(peer, piece);
        }
    }

    pub(super) fn cancel(&mut self, peer: PeerId, piece: PieceIndex) {
        if self.take_back(peer, piece) {
            self.actions
                .push_back(DownloadAction::Cancel { peer, piece });
        }
    }

    fn asks_of(&self, peer: PeerId) -> Vec<PieceIndex> {
        let source = self.sources.get(&peer);
        source.map_or_else(Vec::new, |source| source.asks.keys().copied().collect())
    }

    /// A piece is here. Who else was asked for it is told.
    pub(super) fn on_stored(&mut self, from: Option<PeerId>, piece: PieceIndex) {
        let bytes = u64::from(self.size(piece));
        if bytes == 0 {
            return;
        }
        if let Some(peer) = from {
            let source = self.sources.get_mut(&peer);
            if source.is_some_and(|source| source.on_ask_over(piece, true)) {
                self.count_asker_off(piece);
            }
        }
        if !self.is_demanded(piece) || !self.have.insert(piece) {
            return;
        }
        self.set_wanted(piece, false);
        self.missing_bytes = self.missing_bytes.saturating_sub(bytes);
        self.tally.on_stored(from, bytes);
        let others = self.askers_of(piece);
        others.into_iter().for_each(|peer| self.cancel(peer, piece));
    }

    /// Whoever sends a bad chunk sends no more of this content.
    pub(super) fn on_bad_chunk(&mut self, peer: PeerId, piece: PieceIndex) {
        self.take_back(peer, piece);
        let Some(source) = self.sources.get_mut(&peer) else {
            return;
        };
        if source.standing == Standing::Refused {
            return;
        }
        source.standing = Standing::Refused;
        let everywhere = source.facts.lied_before;
        self.cancel_all(peer);
        tracing::warn!(peer = %peer.short(), everywhere, "a peer sent a bad chunk");
        self.actions
            .push_back(DownloadAction::Refuse { peer, everywhere });
    }

    pub(super) fn on_gone(
        &mut self,
        now: Instant,
        peer: PeerId,
        piece: PieceIndex,
        reason: GoneReason,
    ) {
        self.take_back(peer, piece);
        match reason {
            GoneReason::NotHere => self.forget_have(peer, piece),
            GoneReason::DiskFault => {
                self.forget_have(peer, piece);
                self.with_source(peer, |source| source.on_strike(now));
            }
            GoneReason::Paused => {
                self.with_source(peer, |source| source.facts.sharing = Sharing::Paused);
                self.take_back_all(peer);
            }
            GoneReason::Refused => {
                self.with_source(peer, |source| source.standing = Standing::Refused);
                self.take_back_all(peer);
            }
            GoneReason::Cancelled => {}
        }
    }

    fn forget_have(&mut self, peer: PeerId, piece: PieceIndex) {
        let is_wanted = self.wanted.contains(piece);
        if self.availability.remove(peer, piece) && is_wanted {
            self.with_source(peer, |source| source.useful -= 1);
        }
    }

    /// An offer is taken while the piece is wanted and there is room for it at all.
    pub(super) fn answer_offer(&mut self, now: Instant, peer: PeerId, piece: PieceIndex) {
        let room = self.live_outstanding() < self.outstanding_max && !self.paused;
        let wanted = self.wanted.contains(piece);
        let Some(source) = self.sources.get_mut(&peer) else {
            return;
        };
        source.offers.on_offer(now);
        if self.availability.insert(peer, piece) && wanted {
            source.useful += 1;
        }
        if room && wanted && source.is_live() {
            self.ask(now, peer, piece);
        } else {
            self.actions
                .push_back(DownloadAction::DeclineOffer { peer, piece });
        }
    }

    /// Looks at what one source owes.
    pub(super) fn check_source(&mut self, now: Instant, peer: PeerId) {
        let Some(source) = self.sources.get_mut(&peer) else {
            return;
        };
        if source.notice_stall(now) {
            tracing::debug!(peer = %peer.short(), "a source stalls and is bypassed");
        }
        if source.is_hopeless(now) {
            self.cancel_all(peer);
            return;
        }
        let lost = |source: &Source| -> Vec<PieceIndex> {
            let asks = source.asks.iter();
            let lost = asks.filter(|(_, ask)| source.is_lost(now, ask));
            lost.map(|(piece, _)| *piece).collect()
        };
        // No strike: a source that sends the others means no harm.
        let lost = lost(source);
        lost.into_iter().for_each(|piece| self.cancel(peer, piece));
    }

    /// Beside other downloaders each starts at another place.
    pub(super) fn spread_out(&mut self) {
        if self.wanted.origin() != 0 {
            return;
        }
        if self.sources.keys().any(|peer| self.is_partial(*peer)) {
            let piece_count = self.have.piece_count();
            let origin = self.random.below(piece_count).max(1) % piece_count.max(1);
            self.wanted.start_at(origin);
        }
    }

    fn is_partial(&self, peer: PeerId) -> bool {
        let set = self.availability.of(peer);
        set.is_some_and(|set| !set.is_full())
    }

    pub(super) fn set_wanted(&mut self, piece: PieceIndex, wanted: bool) {
        let changed = match wanted {
            true => self.wanted.insert(piece),
            false => self.wanted.remove(piece),
        };
        if !changed {
            return;
        }
        for peer in self.availability.holders(piece) {
            if let Some(source) = self.sources.get_mut(&peer) {
                match wanted {
                    true => source.useful += 1,
                    false => source.useful -= 1,
                }
            }
        }
    }

    pub(super) fn with_source(&mut self, peer: PeerId, change: impl FnOnce(&mut Source)) {
        if let Some(source) = self.sources.get_mut(&peer) {
            change(source);
        }
    }

    pub(super) fn size(&self, piece: PieceIndex) -> u32 {
        self.sizes.get(piece.as_usize()).copied().unwrap_or(0)
    }
}
