//! [`Limits`]: how much an archive may ask of this machine. Every one is a setting.

use std::time::Duration;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Longest payload of one DATA frame.
pub(crate) const DATA_BYTES_MAX: usize = 256 * 1024;
/// Longest payload of any other frame.
pub(crate) const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Most archive bytes that the worker may ask for at once; its largest read-ahead.
pub(crate) const READ_BYTES_MAX: u32 = 1024 * 1024;
/// How often a worker may read an archive over, and what it may read besides. An honest one reads
/// everything once, and headers twice.
pub(crate) const READ_OVER_MAX: u64 = 16;
pub(crate) const READ_EXTRA_BYTES: u64 = 64 * MIB;
/// Most volumes of one archive.
pub const VOLUMES_MAX: usize = 10_000;

/// What one archive may use at most. [`Limits::default`] is meant for any game; callers lower
/// `file_bytes` and `total_bytes` to the space that is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of history a decoder may keep. Keep it below half of the free memory.
    pub dictionary_bytes: u64,
    /// Files, directories, copies and skipped entries of all archives of one game.
    pub entries: u64,
    /// Bytes of all names of one game, and of the headers of one volume.
    pub header_bytes: u64,
    /// Bytes of one name.
    pub name_bytes: usize,
    /// Bytes of one unpacked file.
    pub file_bytes: u64,
    /// Bytes of everything unpacked from this archive, copies included.
    pub total_bytes: u64,
    /// Unpacked bytes per archive byte; only counts beyond `ratio_from_bytes`.
    pub ratio: u64,
    /// Unpacked bytes before `ratio` counts: a small archive of zeroes is no attack.
    pub ratio_from_bytes: u64,
    /// The worker is killed when it says nothing for so long.
    pub idle: Duration,
    /// The worker may use so much time, plus one second per `bytes_per_second` of output and input.
    pub time: Duration,
    /// Slowest decoder that is still taken for honest, in bytes per second.
    pub bytes_per_second: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dictionary_bytes: GIB,
            entries: 1_000_000,
            header_bytes: 256 * MIB,
            name_bytes: 1_024,
            file_bytes: lanspread_proto::limits::FILE_BYTES_MAX,
            total_bytes: lanspread_proto::limits::PAYLOAD_BYTES_MAX,
            ratio: 1_000,
            ratio_from_bytes: GIB,
            idle: Duration::from_secs(60),
            time: Duration::from_secs(60),
            bytes_per_second: 5_000_000,
        }
    }
}

impl Limits {
    /// Whether so much may come out of so many archive bytes.
    #[must_use]
    pub const fn is_in_proportion(&self, packed: u64, unpacked: u64) -> bool {
        unpacked <= self.ratio_from_bytes || unpacked <= packed.saturating_mul(self.ratio)
    }

    /// Address space of the worker: a growing dictionary exists twice for a moment, and 512 MiB
    /// hold the program and everything else.
    pub(crate) const fn address_space(&self) -> u64 {
        self.dictionary_bytes
            .saturating_mul(2)
            .saturating_add(512 * MIB)
    }

    /// Time a worker may use that has read and written so many bytes.
    pub(crate) fn time_for(&self, bytes: u64) -> Duration {
        let extra = bytes / self.bytes_per_second.max(1);
        self.time.saturating_add(Duration::from_secs(extra))
    }
}

const _: () = assert!(DATA_BYTES_MAX >= FRAME_BYTES_MAX);
