//! What one download costs in memory, counted at the allocator.

use std::alloc::System;

use lanspread_proto::{PeerId, PieceIndex, PieceSet, wire::link::Sharing};
use lanspread_swarm::{
    Download, Injector, Instant, PeerFacts,
    download::{Path, Place},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const PIECES: u32 = 60_000;
const PEERS: u8 = 48;
/// For each peer of each download.
const BYTES_MAX: usize = 64 * 1024;

fn peer(n: u8) -> PeerId {
    PeerId::from_bytes([n; 32])
}

/// What is held now that was not before.
fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated - change.bytes_deallocated
}

#[test]
fn a_peer_of_a_download_costs_little() {
    let region = Region::new(COUNTED);
    let now = Instant::ZERO;
    let sizes = vec![1 << 20; PIECES as usize];
    let own = (peer(255), 1);
    let mut download = Download::new(now, own, sizes, PieceSet::new(PIECES));
    let mut injector = Injector::new(PIECES, 1 << 20, (0, 1), 1);
    for n in 0..PEERS {
        let facts = PeerFacts {
            rate_hint: None,
            path: Path::Wired,
            place: if n % 2 == 0 { Place::Near } else { Place::Far },
            sharing: Sharing::On,
            lanes: 1,
            lied_before: false,
        };
        let mut has = PieceSet::new(PIECES);
        has.extend((0..PIECES).step_by(2).map(PieceIndex));
        injector.on_interest(peer(n));
        injector.on_downloader(now, peer(n), has.clone());
        download.on_peer(now, peer(n), facts);
        download.on_have_map(now, peer(n), has);
    }
    let per_peer = held(&region) / usize::from(PEERS);
    println!("{per_peer} bytes for each of {PEERS} peers at {PIECES} pieces");
    assert!(download.outstanding_bytes() > 0 && injector.has_fresh());
    assert!(per_peer <= BYTES_MAX, "{per_peer}");
}
