//! A download on demand: nothing is kept, so only what a reader needs now and next is fetched, and
//! what it has read is forgotten. It may be wanted again.

use alloc::{collections::BTreeSet, vec::Vec};

use lanspread_proto::{PeerId, PieceIndex, PieceSet};

use super::Download;
use crate::time::Instant;

/// What is to be here, or to come.
#[derive(Debug, Clone, Default)]
pub(super) struct Demand {
    /// The most urgent first.
    order: Vec<PieceIndex>,
    set: BTreeSet<PieceIndex>,
}

impl Download {
    /// A download that fetches only what is demanded.
    #[must_use]
    pub fn on_demand(now: Instant, who: (PeerId, u64), sizes: Vec<u32>) -> Self {
        let piece_count = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
        let mut download = Self::new(now, who, sizes, PieceSet::new(piece_count));
        download.demand = Some(Demand::default());
        download.wanted.take_only(Vec::new());
        download
    }

    /// From now on these pieces are to be here or to come, the most urgent first, and no others:
    /// what else is here is forgotten, what else is on its way is taken back.
    pub fn demand(&mut self, now: Instant, order: Vec<PieceIndex>) {
        let known = |piece: &PieceIndex| self.size(*piece) > 0;
        let order: Vec<PieceIndex> = order.into_iter().filter(known).collect();
        let set = order.iter().copied().collect();
        let next = Demand { order, set };
        let Some(before) = self.demand.replace(next) else {
            return;
        };
        for piece in before.set {
            if !self.is_demanded(piece) {
                self.forget(piece);
            }
        }
        let demand = self.demand.as_ref();
        let order = demand.map_or_else(Vec::new, |demand| demand.order.clone());
        for piece in &order {
            let comes = self.have.contains(*piece) || self.askers.contains_key(piece);
            if !comes {
                self.set_wanted(*piece, true);
            }
        }
        self.wanted.take_only(order);
        self.settle(now);
    }

    /// It is to be here, or to come.
    pub(super) fn is_demanded(&self, piece: PieceIndex) -> bool {
        let demand = self.demand.as_ref();
        demand.is_none_or(|demand| demand.set.contains(&piece))
    }

    /// The piece that a reader waits for: it reads the first that is demanded.
    pub(super) fn awaited(&self) -> Option<PieceIndex> {
        let first = self.demand.as_ref()?.order.first().copied();
        first.filter(|piece| !self.have.contains(*piece))
    }

    /// While everything that is demanded is here, nobody is missed.
    pub(super) fn is_content(&self) -> bool {
        self.demand.is_some() && self.wanted.is_empty() && self.askers.is_empty()
    }

    fn forget(&mut self, piece: PieceIndex) {
        if self.have.remove(piece) {
            self.missing_bytes += u64::from(self.size(piece));
        }
        for peer in self.askers_of(piece) {
            self.cancel(peer, piece);
        }
        self.set_wanted(piece, false);
    }

    pub(super) fn askers_of(&self, piece: PieceIndex) -> Vec<PeerId> {
        let asked = self.sources.iter();
        let asked = asked.filter(|(_, source)| source.asks.contains_key(&piece));
        asked.map(|(peer, _)| *peer).collect()
    }
}

#[cfg(test)]
mod tests;
