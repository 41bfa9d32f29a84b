//! The steps of [`Download`]: asking, taking back, noticing what does not come.

use alloc::vec::Vec;
use core::time::Duration;

use lanspread_proto::{
    PeerId, PieceIndex,
    wire::{lane::GoneReason, link::Sharing},
};

use super::{
    Download, DownloadAction, Path, Place, SourceState, TICK, endgame,
    gateway::FAR_REQUESTS_MAX,
    score::{Source, Standing},
};
use crate::time::{Instant, transfer_bytes, transfer_time};

/// Sources compared for one request.
const SOURCE_SAMPLE: usize = 3;
/// Requests wait about this long at all senders together ...
const HORIZON_IN_ALL: Duration = Duration::from_millis(150);
/// ... and at least so many pieces are asked for.
const LEAST_IN_ALL: u64 = 8;
/// Nobody downloads slower than this: waits stay finite.
const RATE_MIN: u64 = 64 * 1024;

impl Download {
    /// After every input: ask for what can be asked for, and see how things stand.
    pub(super) fn settle(&mut self, now: Instant) {
        let sources = self.sources.values_mut();
        sources.for_each(|source| source.forget_stall(now));
        if !self.paused {
            self.see_group(now);
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
            (false, false) => pauses.or_else(|| self.duty.late_at(self.piece_time())),
        };
        let late = self.duty.late_at(self.piece_time());
        for end in pauses.into_iter().chain(late) {
            self.tick_at = self.tick_at.map(|tick| tick.min(end));
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

    /// Source first, then the piece; near ones first.
    fn fill(&mut self, now: Instant) {
        let most = self.in_all_max();
        while !self.wanted.is_empty() && self.moving_outstanding(now) < most {
            let Some((peer, piece)) = self.choose_near(now) else {
                break;
            };
            self.ask(now, peer, piece);
        }
        while !self.wanted.is_empty() && self.live_outstanding() < self.outstanding_max {
            let Some((peer, piece)) = self.choose_far(now) else {
                return;
            };
            self.ask(now, peer, piece);
        }
    }

    /// What may be outstanding in all: a little more than its rate needs. More would only wait at
    /// the senders, and come late to whom it is passed on.
    pub(super) fn in_all_max(&self) -> u64 {
        let least = LEAST_IN_ALL * self.piece_max;
        let wish = transfer_bytes(HORIZON_IN_ALL, self.tally.rate());
        wish.max(least).min(self.outstanding_max)
    }

    /// What is on its way, as far as one can see.
    pub(super) fn moving_outstanding(&self, now: Instant) -> u64 {
        let moving = self.sources.values().filter(|source| source.moves(now));
        moving.map(Source::owed_soon).sum()
    }

    /// Pieces of a stalled source do not keep others from being asked.
    pub(super) fn live_outstanding(&self) -> u64 {
        let live = self.sources.values().filter(|source| !source.is_stalled());
        live.map(Source::owed).sum()
    }

    /// The least expected wait of three random near peers that have something for us, and the
    /// rarest of some of their pieces.
    fn choose_near(&mut self, now: Instant) -> Option<(PeerId, PieceIndex)> {
        let wired = self.has_wired_source();
        let ended = self.has_ended();
        let mut peers: Vec<(PeerId, bool)> = Vec::new();
        for (peer, source) in &self.sources {
            let last_resort = wired && source.facts.path == Path::Wireless;
            if self.is_near(source) && !last_resort && self.is_usable(now, ended, source) {
                peers.push((*peer, source.is_partial()));
            }
        }
        // What a complete source can send is what a party is short of.
        if peers.iter().any(|(_, partial)| *partial) {
            peers.retain(|(_, partial)| *partial);
        }
        let sample = self.random.draw(&mut peers, SOURCE_SAMPLE);
        let sources = sample.iter().map(|(peer, _)| peer);
        let sources = sources.filter_map(|peer| Some((peer, self.sources.get(peer)?)));
        let (peer, source) = sources.min_by_key(|(_, source)| source.expected_wait(now, 0))?;
        let piece = self
            .wanted
            .pick(&self.copies, &source.has, &mut self.random)?;
        Some((*peer, piece))
    }

    /// A piece that is ours to fetch for all that are near, unless enough of them are asked for.
    fn choose_far(&mut self, now: Instant) -> Option<(PeerId, PieceIndex)> {
        if self.far_requests(now) >= FAR_REQUESTS_MAX {
            return None;
        }
        let ended = self.has_ended();
        let far = self
            .sources
            .iter()
            .filter(|(_, source)| !self.is_near(source) && self.is_usable(now, ended, source));
        let mut peers: Vec<PeerId> = far.map(|(peer, _)| *peer).collect();
        let sample = self.random.draw(&mut peers, SOURCE_SAMPLE);
        let wait = |peer: &PeerId| {
            let source = self.sources.get(peer);
            source.map(|source| source.expected_wait(now, 0))
        };
        sample.sort_unstable_by_key(wait);
        for peer in sample {
            let theirs = &self.sources.get(peer)?.has;
            let sets = (self.wanted.set(), theirs);
            if let Some(piece) = self.duty.pick(sets, &self.copies, &mut self.random) {
                return Some((*peer, piece));
            }
        }
        None
    }

    fn is_usable(&self, now: Instant, ended: bool, source: &Source) -> bool {
        source.useful > 0
            && (ended || !source.offers.go_on(now))
            && source.has_room(now, self.piece_max, self.outstanding_max)
    }

    /// It may be asked for anything. Who keeps nothing fetches for nobody, and waits for nobody.
    pub(super) const fn is_near(&self, source: &Source) -> bool {
        matches!(source.facts.place, Place::Near) || self.demand.is_some()
    }

    /// Open requests across switches, besides what was offered.
    pub(super) fn far_requests(&self, now: Instant) -> usize {
        let far = |source: &&Source| !self.is_near(source) && !source.offers.go_on(now);
        let far = self.sources.values().filter(far);
        far.map(|source| source.asks.len()).sum()
    }

    /// Who is near decides what we fetch from afar; how long nothing comes, too.
    fn see_group(&mut self, now: Instant) {
        if self.sources.values().all(|source| self.is_near(source)) {
            return;
        }
        if self.duty.has_news() {
            let near = self.sources.iter();
            let near = near.filter(|(_, source)| source.shares_duty());
            let group = (self.me, near.map(|(peer, _)| *peer));
            self.duty.set_group(group, &self.have, &self.copies);
        }
        let idle = self.askers.is_empty() && !self.wanted.is_empty();
        let piece_time = self.piece_time();
        self.duty
            .on_idle((now, idle), piece_time, &self.have, &self.copies);
    }

    /// How long a piece takes at the rate of late.
    fn piece_time(&self) -> Duration {
        transfer_time(self.piece_max, self.tally.rate().max(RATE_MIN))
    }

    fn has_wired_source(&self) -> bool {
        let wired = |s: &Source| s.facts.path == Path::Wired && s.useful > 0 && s.is_live();
        self.sources.values().any(wired)
    }

    pub(super) fn has_ended(&self) -> bool {
        // A reader never comes to an end that could be seen from here.
        self.demand.is_none() && endgame::has_begun(self.missing_bytes, self.tally.total_bytes())
    }

    pub(super) fn ask(&mut self, now: Instant, peer: PeerId, piece: PieceIndex) {
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
        let begun = self.sources.get(&peer).is_some_and(|s| s.has_begun(piece));
        // Nobody has to break off often: what came of the piece is lost.
        if self.take_back(peer, piece) && begun {
            self.with_source(peer, |source| source.on_strike(now));
        }
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
        let Some(source) = self.sources.get_mut(&peer) else {
            return;
        };
        if source.has.remove(piece) {
            self.copies.take(piece, source.counts_as_near());
            source.useful -= u32::from(is_wanted);
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
        if source.has.insert(piece) {
            self.copies.add(piece, source.counts_as_near());
            source.useful += u32::from(wanted);
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
        if self.sources.values().any(Source::is_partial) {
            let piece_count = self.have.piece_count();
            let origin = self.random.below(piece_count).max(1) % piece_count.max(1);
            self.wanted.start_at(origin);
        }
    }

    pub(super) fn set_wanted(&mut self, piece: PieceIndex, wanted: bool) {
        let changed = match wanted {
            true => self.wanted.insert(piece),
            false => self.wanted.remove(piece),
        };
        if !changed {
            return;
        }
        let holders = self.sources.values_mut();
        for source in holders.filter(|source| source.has.contains(piece)) {
            match wanted {
                true => source.useful += 1,
                false => source.useful -= 1,
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
