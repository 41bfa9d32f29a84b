//! [`Lie`]: how a peer means ill, as far as the machines of a download can see it.

use crate::scenario::GBIT;

/// Bytes per second of a peer that trickles: a little more than what counts as nothing.
const TRICKLE: u64 = 20_000;

/// A kind of ill will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// One in so many pieces that it sends is bad.
    OneIn(u32),
    /// Its pieces are good until it has sent so many, and bad from then on.
    Sleeps(u64),
    /// What it sends is bad, and after each piece it leaves and comes back.
    Returns,
    /// It tells of every piece, and has none when it is asked.
    HasNothing,
    /// The same, and it tells of the piece again.
    ClaimsAgain,
    /// Its queue is always full, and nothing is in it.
    Busy,
    /// It takes requests and sends nothing.
    Stalls,
    /// It sends so little that it seems to go on.
    Trickles,
    /// Its disk has failed, each time, and has the piece again.
    DiskFault,
    /// It offers, and is busy for who accepts.
    OffersInVain,
    /// It sends half of a piece and says that the rest was cancelled.
    CutsShort,
    /// It sends half of a piece, has it no more, and has it again.
    Withdraws,
}

impl Lie {
    /// One of each kind.
    pub const ALL: [Self; 12] = [
        Self::OneIn(1),
        Self::Sleeps(20),
        Self::Returns,
        Self::HasNothing,
        Self::ClaimsAgain,
        Self::Busy,
        Self::Stalls,
        Self::Trickles,
        Self::DiskFault,
        Self::OffersInVain,
        Self::CutsShort,
        Self::Withdraws,
    ];

    /// Bytes per second of its uplink.
    #[must_use]
    pub const fn up(self) -> u64 {
        if matches!(self, Self::Trickles) {
            TRICKLE
        } else {
            GBIT
        }
    }

    /// The most that it sends at once.
    #[must_use]
    pub const fn segment_bytes(self) -> u64 {
        if matches!(self, Self::Trickles) {
            4_096
        } else {
            u64::MAX
        }
    }
}
