//! [`Duty`]: which pieces this machine fetches from behind another switch.
//!
//! The cable between two switches carries little, so each piece should cross it once for all that
//! are behind one of them. For each piece every machine of such a group gets a lot that all of them
//! can compute; the highest fetches it, the others wait until it is near. Nobody has to talk about
//! it. When what is waited for does not come, the next in rank fetches too.

use alloc::vec::Vec;
use core::time::Duration;

use lanspread_proto::{PeerId, PieceIndex, PieceSet};

use super::copies::Copies;
use crate::{lots, random::Random, time::Instant};

/// Requests that one machine has open across switches. More would wait there for each other, and
/// keep it from asking near ones.
pub(super) const FAR_REQUESTS_MAX: usize = 2;
/// With nothing to do for so long, and four times what a piece takes, the next in rank goes on.
const LATE_AFTER: Duration = Duration::from_secs(2);
/// Candidates looked at for one choice.
const SAMPLE: usize = 8;

/// What this machine has to fetch for its group.
#[derive(Debug, Clone)]
pub(super) struct Duty {
    /// Pieces that nobody near has and whose lot is ours.
    pieces: PieceSet,
    /// The lots of the other near downloaders.
    others: Vec<u64>,
    own: Option<u64>,
    /// So many may be before us.
    rank: usize,
    idle_since: Option<Instant>,
    /// The group may be another one.
    news: bool,
}

impl Duty {
    pub(super) fn new(piece_count: u32) -> Self {
        Self {
            pieces: PieceSet::new(piece_count),
            others: Vec::new(),
            own: None,
            rank: 0,
            idle_since: None,
            news: true,
        }
    }

    /// Who is near and downloads may have changed.
    pub(super) const fn on_group(&mut self) {
        self.news = true;
    }

    /// [`Self::set_group`] is due; told once.
    pub(super) const fn has_news(&mut self) -> bool {
        core::mem::replace(&mut self.news, false)
    }

    /// The group is another one: who of it downloads, and how they call us.
    pub(super) fn set_group(
        &mut self,
        (me, others): (PeerId, impl Iterator<Item = PeerId>),
        have: &PieceSet,
        copies: &Copies,
    ) {
        self.own = Some(lots::of_peer(me));
        self.others = others.map(lots::of_peer).collect();
        self.rank = 0;
        self.choose(have, copies);
    }

    /// Somebody near has it: the others get it there.
    pub(super) fn on_near(&mut self, piece: PieceIndex) {
        self.pieces.remove(piece);
    }

    /// A rare one of those that we should fetch and they have.
    pub(super) fn pick(
        &self,
        (wanted, theirs): (&PieceSet, &PieceSet),
        copies: &Copies,
        random: &mut Random,
    ) -> Option<PieceIndex> {
        if self.pieces.is_empty() {
            return None;
        }
        let sets = [&self.pieces, wanted, theirs];
        let count = self.pieces.piece_count();
        let found = (0..SAMPLE).map_while(|_| {
            let from = PieceIndex(random.below(count));
            PieceSet::next_in_all(sets, from)
        });
        found.min_by_key(|piece| copies.of(*piece))
    }

    /// Whether there is nothing to do but wait. After a while of that the next in rank helps.
    pub(super) fn on_idle(
        &mut self,
        (now, idle): (Instant, bool),
        piece_time: Duration,
        have: &PieceSet,
        copies: &Copies,
    ) {
        let since = match (idle, self.idle_since) {
            (false, _) => None,
            (true, since) => Some(since.unwrap_or(now)),
        };
        self.idle_since = since;
        let late = LATE_AFTER + piece_time * 4;
        let is_late = since.is_some_and(|since| now.since(since) > late);
        if is_late && self.rank < self.others.len() {
            self.rank += 1;
            self.idle_since = Some(now);
            self.choose(have, copies);
        }
    }

    /// When [`Self::on_idle`] may have news.
    pub(super) fn late_at(&self, piece_time: Duration) -> Option<Instant> {
        let since = self.idle_since.filter(|_| self.rank < self.others.len())?;
        Some(since + LATE_AFTER + piece_time * 4 + Duration::from_millis(1))
    }

    fn choose(&mut self, have: &PieceSet, copies: &Copies) {
        let Some(own) = self.own else { return };
        self.pieces = PieceSet::new(self.pieces.piece_count());
        let ours = |piece: &PieceIndex| {
            let mine = lot(own, *piece);
            let before = self
                .others
                .iter()
                .filter(|other| lot(**other, *piece) > mine);
            copies.near(*piece) == 0 && before.take(self.rank + 1).count() <= self.rank
        };
        let pieces: Vec<PieceIndex> = have.missing().filter(ours).collect();
        self.pieces.extend(pieces);
    }
}

/// A machine's lot for one piece.
fn lot(of: u64, piece: PieceIndex) -> u64 {
    lots::draw(of ^ (u64::from(piece.0) << 32))
}
