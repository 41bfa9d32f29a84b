//! [`choose`]: with whom of many a download trades.
//!
//! Everybody tells its neighbours of each piece, so there must not be too many; and they must be
//! spread so that what one has reaches all. Each pair of peers has a lot that both can compute, and
//! a peer takes those with the highest: most of its choices have chosen it too, and nobody has to
//! talk about it.

use alloc::{collections::BTreeSet, vec::Vec};

use lanspread_proto::PeerId;

use crate::lots;

/// Up to so many peers everybody is everybody's neighbour.
pub const ALL_UP_TO: usize = 64;
/// Of so many near ones all are chosen: they are behind one switch, and fetch for each other.
pub const NEAR_ALL_UP_TO: usize = 48;
/// Of more near ones so many.
pub const NEAR: usize = 24;
/// So many of the others, near or far ...
pub const OTHERS: usize = 8;
/// ... and more where some are behind other switches: a piece comes from there only through who
/// has a neighbour that has it.
pub const WITH_FAR: usize = 48;

/// Whom `me` takes as neighbours. Others may take it besides; a link is for both.
#[must_use]
pub fn choose(me: PeerId, peers: impl IntoIterator<Item = (PeerId, bool)>) -> BTreeSet<PeerId> {
    let peers = peers.into_iter().filter(|(peer, _)| *peer != me);
    let mut lots: Vec<(u64, PeerId, bool)> = peers
        .map(|(peer, near)| (pair_lot(me, peer), peer, near))
        .collect();
    let peers = |lots: &[(u64, PeerId, bool)]| lots.iter().map(|(_, peer, _)| *peer).collect();
    if lots.len() <= ALL_UP_TO {
        return peers(&lots);
    }
    lots.sort_unstable_by(|a, b| b.cmp(a));
    let near = |(_, _, near): &&(u64, PeerId, bool)| *near;
    let near_count = lots.iter().filter(near).count();
    let near_most = match near_count <= NEAR_ALL_UP_TO {
        true => near_count,
        false => NEAR,
    };
    let chosen = lots.iter().filter(near).take(near_most);
    let mut chosen: BTreeSet<PeerId> = chosen.map(|(_, peer, _)| *peer).collect();
    // Those behind other switches first: what we have must get there.
    lots.sort_by_key(|(_, _, near)| *near);
    let least = match near_count < lots.len() {
        true => WITH_FAR,
        false => NEAR + OTHERS,
    };
    let most = least.max(chosen.len() + OTHERS);
    for (_, peer, _) in lots {
        if chosen.len() >= most {
            break;
        }
        chosen.insert(peer);
    }
    chosen
}

/// The same for both of them.
fn pair_lot(a: PeerId, b: PeerId) -> u64 {
    lots::draw(lots::of_peer(a) ^ lots::of_peer(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{collections::BTreeMap, vec};

    fn peer(n: u32) -> PeerId {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&n.to_be_bytes());
        PeerId::from_bytes(bytes)
    }

    /// The links of a party of so many, this many behind each switch.
    fn party(count: u32, per_switch: u32) -> BTreeMap<PeerId, BTreeSet<PeerId>> {
        let mut links: BTreeMap<PeerId, BTreeSet<PeerId>> = BTreeMap::new();
        for me in 0..count {
            let near = |other: u32| other / per_switch == me / per_switch;
            let others = (0..count).map(|other| (peer(other), near(other)));
            for other in choose(peer(me), others) {
                links.entry(peer(me)).or_default().insert(other);
                links.entry(other).or_default().insert(peer(me));
            }
        }
        links
    }

    #[test]
    fn few_are_all_linked_and_many_are_linked_to_few() {
        let check = |count, per_switch, least: usize, most: usize| {
            let links = party(count, per_switch);
            let degrees = links.values().map(BTreeSet::len);
            let (low, high) = (degrees.clone().min().unwrap(), degrees.max().unwrap());
            assert!(low >= least && high <= most, "{count}: {low} to {high}");
            let mut seen = BTreeSet::from([peer(0)]);
            let mut open = vec![peer(0)];
            while let Some(next) = open.pop() {
                open.extend(links[&next].iter().filter(|other| seen.insert(**other)));
            }
            assert_eq!(seen.len(), count as usize, "one party");
        };
        check(8, 8, 7, 7);
        check(65, 65, 64, 64);
        check(1_000, 1_000, 32, 64);
        check(192, 24, 48, 80);
        check(1_000, 1, 48, 80);
    }

    #[test]
    fn all_behind_one_switch_are_neighbours() {
        let links = party(192, 24);
        let behind_first = |peer: &&PeerId| peer.as_bytes()[3] < 24 && peer.as_bytes()[2] == 0;
        assert!(links[&peer(0)].iter().filter(behind_first).count() == 23);
    }
}
