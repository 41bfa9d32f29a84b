//! [`Download`]: one content, fetched from everybody who has any part of it.
//!
//! Sources are chosen first (the least expected wait of three), then a piece
//! (`pick.rs`). A seeder that offers is not asked: the sender chooses better then.
//! Invariant: every missing piece is either wanted or asked of one or two peers, never both; on
//! demand (`demand.rs`) this holds for what is demanded, and nothing else is here or comes.

mod copies;
mod demand;
mod endgame;
mod gateway;
mod offers;
mod pick;
mod requests;
mod score;
#[cfg(test)]
mod tests;
mod window;

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};
use core::time::Duration;

use lanspread_proto::{
    PeerId, PieceIndex, PieceSet,
    wire::{lane::GoneReason, link::Sharing},
};

use self::{copies::Copies, demand::Demand, gateway::Duty, pick::Wanted, score::Source};
use crate::{
    progress::{Progress, Tally},
    random::Random,
    time::Instant,
};

/// Outstanding bytes of one machine, all downloads together.
pub const OUTSTANDING_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// While something is asked for, the machine looks this often for what does not come.
const TICK: Duration = Duration::from_millis(200);

/// What a link and its lanes say about a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerFacts {
    /// Bytes per second, as the interface or an earlier download suggests.
    pub rate_hint: Option<u64>,
    /// What lies between.
    pub path: Path,
    /// Where it is.
    pub place: Place,
    /// Whether it sends pieces now.
    pub sharing: Sharing,
    /// Lanes on which it can send now.
    pub lanes: u8,
    /// It sent a bad chunk of another content: a second time it is refused everywhere.
    pub lied_before: bool,
}

/// What lies between two peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Path {
    /// Cable all the way.
    Wired,
    /// Wi-Fi at either end: a last resort.
    Wireless,
}

/// Where a peer is, as its subnet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Behind our switch.
    Near,
    /// Behind another one: the cable between them is everybody's.
    Far,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every chunk matched, and the piece is stored.
    Stored,
    /// A chunk did not match.
    BadChunk,
    /// The sender said that it will not come.
    Gone(GoneReason),
    /// The sender's queue is full.
    Busy {
        /// Bytes before it.
        queued_bytes: u64,
    },
    /// Our disk refused it; nobody is to blame. The caller pauses the download if it lasts.
    NotStored,
    /// The lane closed before it came.
    Lost,
}

/// What the caller must do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadAction {
    /// Ask the peer for the piece on one of its lanes.
    Request {
        /// Who.
        peer: PeerId,
        /// Which.
        piece: PieceIndex,
    },
    /// The piece is no longer wanted from this peer.
    Cancel {
        /// Who.
        peer: PeerId,
        /// Which.
        piece: PieceIndex,
    },
    /// Tell the peer that its offer is not wanted.
    DeclineOffer {
        /// Who.
        peer: PeerId,
        /// Which.
        piece: PieceIndex,
    },
    /// The peer sent a bad chunk: tell it, and take nothing more of this content from it.
    Refuse {
        /// Who.
        peer: PeerId,
        /// It did so before: take nothing from it at all.
        everywhere: bool,
    },
    /// The state changed.
    State(SourceState),
}

/// How a download stands with its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// Somebody sends, or can.
    Working,
    /// Somebody has missing pieces, but cannot send now: paused, stalled, unreachable.
    Starving,
    /// Nobody has any missing piece.
    NoSource,
    /// Everything is here.
    Complete,
}

/// One download.
#[derive(Debug, Clone)]
pub struct Download {
    me: PeerId,
    sizes: Vec<u32>,
    piece_max: u64,
    have: PieceSet,
    wanted: Wanted,
    /// Nothing is kept beyond this; `None` where everything is.
    demand: Option<Demand>,
    /// How many peers each piece is asked of.
    askers: BTreeMap<PieceIndex, u8>,
    copies: Copies,
    sources: BTreeMap<PeerId, Source>,
    duty: Duty,
    random: Random,
    tally: Tally,
    missing_bytes: u64,
    outstanding_max: u64,
    paused: bool,
    state: SourceState,
    tick_at: Option<Instant>,
    actions: VecDeque<DownloadAction>,
}

impl Download {
    /// Starts with the sizes of all pieces and those that are here; `me` is how others call us.
    #[must_use]
    pub fn new(now: Instant, (me, seed): (PeerId, u64), sizes: Vec<u32>, have: PieceSet) -> Self {
        let size = |piece: PieceIndex| sizes.get(piece.as_usize()).copied().map_or(0, u64::from);
        let missing_bytes: u64 = have.missing().map(size).sum();
        let total_bytes: u64 = sizes.iter().copied().map(u64::from).sum();
        let state = match have.is_full() {
            true => SourceState::Complete,
            false => SourceState::NoSource,
        };
        Self {
            me,
            piece_max: sizes.iter().copied().max().map_or(0, u64::from),
            wanted: Wanted::new(&have),
            demand: None,
            askers: BTreeMap::new(),
            copies: Copies::new(have.piece_count()),
            sources: BTreeMap::new(),
            duty: Duty::new(have.piece_count()),
            random: Random::new(seed),
            tally: Tally::new(now, total_bytes - missing_bytes, total_bytes),
            missing_bytes,
            outstanding_max: OUTSTANDING_BYTES_MAX,
            paused: false,
            state,
            tick_at: None,
            actions: VecDeque::from([DownloadAction::State(state)]),
            sizes,
            have,
        }
    }

    // Inputs: things that happened.

    /// A peer is linked, or what is known of it changed.
    pub fn on_peer(&mut self, now: Instant, peer: PeerId, facts: PeerFacts) {
        let piece_count = self.have.piece_count();
        let fresh = || Source::new(now, facts, piece_count);
        let source = self.sources.entry(peer).or_insert_with(fresh);
        if source.facts != facts {
            self.duty.on_group();
        }
        let was_near = source.counts_as_near();
        source.facts = facts;
        if source.counts_as_near() != was_near {
            self.copies.take_all(&source.has, was_near);
            self.copies.add_all(&source.has, !was_near);
        }
        if facts.sharing == Sharing::Paused || facts.lanes == 0 {
            self.take_back_all(peer);
        }
        self.settle(now);
    }

    /// A peer left.
    pub fn on_peer_down(&mut self, now: Instant, peer: PeerId) {
        self.take_back_all(peer);
        if let Some(source) = self.sources.remove(&peer) {
            self.copies.take_all(&source.has, source.counts_as_near());
            self.duty.on_group();
        }
        self.settle(now);
    }

    /// A peer told all that it has. It takes the place of what was known.
    pub fn on_have_map(&mut self, now: Instant, peer: PeerId, set: PieceSet) {
        if let Some(source) = self.sources.get_mut(&peer) {
            self.copies.take_all(&source.has, source.counts_as_near());
            source.on_map(set);
            source.useful = self.wanted.count_in(&source.has);
            self.copies.add_all(&source.has, source.counts_as_near());
            self.duty.on_group();
            self.spread_out();
            self.settle(now);
        }
    }

    /// A peer has more, and tells how much is queued at it.
    pub fn on_have(
        &mut self,
        now: Instant,
        peer: PeerId,
        pieces: &[PieceIndex],
        queued_bytes: u64,
    ) {
        let Some(source) = self.sources.get_mut(&peer) else {
            return;
        };
        source.on_queue(now, queued_bytes);
        let near = source.counts_as_near();
        for piece in pieces {
            if source.has.insert(*piece) {
                source.useful += u32::from(self.wanted.contains(*piece));
                self.copies.add(*piece, near);
                if near {
                    self.duty.on_near(*piece);
                }
            }
        }
        if source.has.is_full() {
            self.duty.on_group();
        }
        self.spread_out();
        self.settle(now);
    }

    /// A peer no longer has the content.
    pub fn on_have_not(&mut self, now: Instant, peer: PeerId) {
        self.take_back_all(peer);
        if let Some(source) = self.sources.get_mut(&peer) {
            self.copies.take_all(&source.has, source.counts_as_near());
            source.forget_map();
            source.useful = 0;
            self.duty.on_group();
        }
        self.settle(now);
    }

    /// Bytes of a piece came.
    pub fn on_bytes(&mut self, now: Instant, peer: PeerId, piece: PieceIndex, bytes: u32) {
        self.tally.on_bytes(now, u64::from(bytes));
        if let Some(source) = self.sources.get_mut(&peer) {
            source.on_bytes(now, piece, bytes);
        }
    }

    /// A request ended. What was cancelled in the meantime is ignored, unless it is stored.
    pub fn on_piece(&mut self, now: Instant, peer: PeerId, piece: PieceIndex, outcome: Outcome) {
        match outcome {
            Outcome::Stored => self.on_stored(Some(peer), piece),
            Outcome::BadChunk => self.on_bad_chunk(peer, piece),
            Outcome::Gone(reason) => self.on_gone(now, peer, piece, reason),
            Outcome::Busy { queued_bytes } => {
                if self.take_back(peer, piece) {
                    self.with_source(peer, |source| source.on_busy(now, queued_bytes));
                }
            }
            Outcome::NotStored | Outcome::Lost => {
                self.take_back(peer, piece);
            }
        }
        self.settle(now);
    }

    /// Whether a piece is here, verified.
    #[must_use]
    pub fn has(&self, piece: PieceIndex) -> bool {
        self.have.contains(piece)
    }

    /// A piece was found on our own disk.
    pub fn on_adopted(&mut self, now: Instant, piece: PieceIndex) {
        self.on_stored(None, piece);
        self.settle(now);
    }

    /// A seeder would send this piece now.
    pub fn on_offer(&mut self, now: Instant, peer: PeerId, piece: PieceIndex) {
        self.answer_offer(now, peer, piece);
        self.settle(now);
    }

    /// A complete source will offer what nobody has: it is not asked meanwhile.
    pub fn on_pushing(&mut self, now: Instant, peer: PeerId) {
        if let Some(source) = self.sources.get_mut(&peer) {
            source.offers.on_promise(now);
        }
    }

    /// A person, or the caller, pauses or resumes. What is on its way is taken back.
    pub fn set_paused(&mut self, now: Instant, paused: bool) {
        self.paused = paused;
        if paused {
            let peers: Vec<PeerId> = self.sources.keys().copied().collect();
            peers.into_iter().for_each(|peer| self.cancel_all(peer));
        }
        self.settle(now);
    }

    /// This download's part of [`OUTSTANDING_BYTES_MAX`].
    pub fn set_outstanding_max(&mut self, now: Instant, bytes: u64) {
        self.outstanding_max = bytes.clamp(self.piece_max, OUTSTANDING_BYTES_MAX);
        self.settle(now);
    }

    /// Time passed.
    pub fn on_timeout(&mut self, now: Instant) {
        self.tick_at = None;
        let peers: Vec<PeerId> = self.sources.keys().copied().collect();
        for peer in peers {
            self.check_source(now, peer);
        }
        self.settle(now);
    }

    // Outputs: what the caller must do now, and when to come back.

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<DownloadAction> {
        self.actions.pop_front()
    }

    /// When [`Self::on_timeout`] is due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.tick_at
    }

    // Questions.

    /// How it stands with its sources.
    #[must_use]
    pub const fn state(&self) -> SourceState {
        self.state
    }

    /// What is here.
    #[must_use]
    pub const fn have(&self) -> &PieceSet {
        &self.have
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self, now: Instant) -> Progress {
        self.tally.progress(now)
    }

    /// Stored bytes by who sent them.
    #[must_use]
    pub const fn bytes_by_peer(&self) -> &BTreeMap<PeerId, u64> {
        self.tally.by_peer()
    }

    /// Peers that owe something, with their present rate in bytes per second.
    pub fn active_peers(&self, now: Instant) -> impl Iterator<Item = (PeerId, u64)> + '_ {
        let active = self
            .sources
            .iter()
            .filter(|(_, source)| !source.asks.is_empty());
        active.map(move |(peer, source)| (*peer, source.shown_rate(now)))
    }

    /// Bytes asked for and not stored.
    #[must_use]
    pub fn outstanding_bytes(&self) -> u64 {
        self.sources.values().map(Source::owed).sum()
    }

    /// Checks what must always hold.
    pub fn assert_invariants(&self) {
        self.sources.values().for_each(Source::assert_invariants);
        self.wanted.assert_invariants();
        for (piece, _) in (0..).map(PieceIndex).zip(&self.sizes) {
            let asks = self.sources.values();
            let asks = asks
                .filter(|source| source.asks.contains_key(&piece))
                .count();
            assert_eq!(
                asks,
                self.askers.get(&piece).copied().map_or(0, usize::from)
            );
            assert!(asks <= 2, "{piece:?} is asked of {asks} peers");
            let places = [
                self.have.contains(piece),
                self.wanted.contains(piece),
                asks > 0,
            ];
            assert_eq!(
                places.iter().filter(|p| **p).count(),
                usize::from(self.is_demanded(piece)),
                "{piece:?} {places:?}"
            );
        }
        for (peer, source) in &self.sources {
            assert!(
                !source.is_stalled() || !source.asks.is_empty(),
                "{peer:?} is forgiven"
            );
            assert_eq!(source.useful, self.wanted.count_in(&source.has));
            assert!(source.asks.is_empty() || source.serves());
        }
    }
}
