//! Every capacity of the household, with its reason.

use std::{num::NonZeroUsize, time::Duration};

/// Longest time that commands wait for a first listing: of the games directory after the start, of
/// a peer's games after a connect.
pub const FIRST_LISTING: Duration = Duration::from_secs(2);

/// Messages that wait for an actor. Senders wait when it is full, so nothing grows without bound.
pub const MAILBOX: usize = 256;
/// Notices that a slow reader may be behind before it misses some. The snapshot is the truth.
pub const NOTICES: usize = 1_024;
/// Snapshots per second: people cannot read more, and programs poll.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);
/// Bytes of pieces in memory, received and not yet written, for the whole machine.
pub const RECEIVE_BUFFER_BYTES_MAX: u64 = 40 << 20;
/// Bytes of pieces in memory, read and not yet sent, for the whole machine.
pub const SEND_BUFFER_BYTES_MAX: u64 = 24 << 20;
/// How long a stop waits for tasks before it gives up on them.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// A folder that changed this recently is not published yet: somebody may still be copying.
pub const SETTLE: Duration = Duration::from_secs(10);
/// Scan of the games directory when no change was reported.
pub const SCAN_INTERVAL: Duration = Duration::from_secs(300);
/// The same on a disk of another machine, whose changes nobody reports.
pub const NETWORK_SCAN_INTERVAL: Duration = Duration::from_secs(60);
/// Files that a verify names in the snapshot; the rest is counted.
pub const LISTED_FILES_MAX: usize = 100;
/// Threads that check, write and read pieces: a disk gets no faster by more.
pub const WORKER_THREADS_MAX: NonZeroUsize = NonZeroUsize::new(4).unwrap();
/// Jobs that wait for such a thread; whoever has one more waits, and with it the lane it reads.
pub const POOL_QUEUE: usize = 256;
/// The most bytes that all senders together may have on the way to us: ten gigabits over 3 ms. The
/// governor keeps it as small as the rate allows.
pub const RECEIVE_WINDOW_BYTES_MAX: u64 = 4 << 20;
/// Files and sockets that a node may have open at its busiest: payload files, a lane each way with
/// every neighbour at its limit, and some for the index, journals, pipes and the control API.
pub const OPEN_FILES_MAX: usize = lanspread_disk::HANDLES_MAX
    + 2 * lanspread_swarm::peers::NEIGHBOURS_MAX * lanspread_proto::limits::LANES_PER_PEER_MAX
    + 256;
/// Answers to probes that wait to be looked at.
pub const ROUND_TRIPS: usize = 64;
