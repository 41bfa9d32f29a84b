//! Every maximum of the protocol, with its reason. A limit is checked before anything is allocated.

use core::time::Duration;

/// Longest control frame body (`type` included). Larger things travel as blobs on a lane.
pub const CONTROL_FRAME_BYTES_MAX: u32 = 64 * 1024;
/// Longest `Hello` body: it arrives before anything is known about the sender.
pub const HELLO_BYTES_MAX: u32 = 4 * 1024;
/// Longest payload of one data frame.
pub const DATA_BYTES_MAX: u32 = 256 * 1024;
/// A `Hello` must be complete this long after the handshake.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(5);

/// Smallest and largest chunk, as powers of two: 1 MiB and 4 MiB.
pub const CHUNK_SIZE_LOG2: core::ops::RangeInclusive<u8> = 20..=22;
/// Files in one manifest.
pub const MANIFEST_FILES_MAX: usize = 500_000;
/// Encoded manifest.
pub const MANIFEST_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Bytes of one payload: 4 TiB.
pub const PAYLOAD_BYTES_MAX: u64 = 4 << 40;
/// Bytes of one file: 1 TiB.
pub const FILE_BYTES_MAX: u64 = 1 << 40;
/// Encoded chunk map: 32 bytes per chunk of the largest payload plus one chunk per file.
pub const CHUNK_MAP_BYTES_MAX: u64 =
    32 * ((PAYLOAD_BYTES_MAX >> *CHUNK_SIZE_LOG2.end()) + MANIFEST_FILES_MAX as u64);
/// `version.ini` is part of the content and read whole.
pub const VERSION_INI_BYTES_MAX: u64 = 64 * 1024;

/// A path in UTF-16 units, so that it fits Windows' 260 with an install root in front.
pub const PATH_UNITS_MAX: usize = 200;
/// One component of a path in UTF-16 units.
pub const COMPONENT_UNITS_MAX: usize = 120;
/// Components of a path.
pub const PATH_DEPTH_MAX: usize = 24;

/// Entries in one peer's library.
pub const LIBRARY_ENTRIES_MAX: usize = 10_000;
/// Entries in one library page or delta; keeps the frame below [`CONTROL_FRAME_BYTES_MAX`].
pub const LIBRARY_PAGE_ENTRIES_MAX: usize = 64;
/// Revisions a peer remembers before it answers with a snapshot.
pub const DELTA_LOG_MAX: usize = 4_096;
/// Piece numbers in one `Have`.
pub const HAVE_PIECES_MAX: usize = 4_096;
/// Bytes of bitmap in one `HaveMap` page.
pub const HAVE_MAP_PAGE_BYTES_MAX: usize = 32 * 1024;
/// Addresses in a `Hello` or a hint.
pub const ADDRESSES_MAX: usize = 16;
/// Peers in one `PeerHints`.
pub const HINTS_MAX: usize = 16;
/// Extensions on an extensible message, and bytes in one.
pub const EXTENSIONS_MAX: usize = 16;
/// Bytes of one extension.
pub const EXTENSION_BYTES_MAX: usize = 1_024;
/// Peers remembered.
pub const PEERS_MAX: usize = 4_096;

/// Lanes in each direction per peer.
pub const LANES_PER_PEER_MAX: usize = 4;
/// Requests a receiver may keep open on one lane.
pub const LANE_REQUESTS_MAX: usize = 64;
/// Control messages per second of one peer (hello and library only), and the burst.
pub const CONTROL_RATE_PER_SECOND: u32 = 20;
/// Burst of the control bucket.
pub const CONTROL_BURST: u32 = 100;

const _: () = assert!(HELLO_BYTES_MAX < CONTROL_FRAME_BYTES_MAX);
const _: () = assert!(HAVE_MAP_PAGE_BYTES_MAX < CONTROL_FRAME_BYTES_MAX as usize);
const _: () = assert!(HAVE_PIECES_MAX * 5 < CONTROL_FRAME_BYTES_MAX as usize);
