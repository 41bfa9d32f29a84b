//! The journal of one partial download: which pieces were verified and written.
//!
//! Append-only. A head of 64 bytes binds it to a content and a run of the OS; each record of 32
//! bytes stands for itself: its checksum covers the content, its own slot and what it says. A torn,
//! missing or flipped record therefore costs its own piece and nothing else.
//!
//! | record | says |
//! |---|---|
//! | piece `n` | the bytes of piece `n` were written before this record |
//! | checkpoint `s` | all that the records before slot `s` speak of was durable before this record |
//! | away | the directory was not there to be synced: what no checkpoint covers is looked at again |
//! | void | a sync failed: what no checkpoint covers may be lost, whatever a read shows now |

use lanspread_proto::{ContentId, Hash, PieceIndex};

use crate::{
    boot::BootId,
    error::DiskError,
    scan::{Small, read_small},
    vfs::{Disk, DiskFile, OpenMode, Place},
};

const MAGIC: &[u8; 6] = b"LSPJ\x01\0";
pub(super) const HEAD_BYTES: usize = 64;
pub(super) const RECORD_BYTES: usize = 32;
/// Room for twice the pieces of the largest payload.
const JOURNAL_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    Piece(PieceIndex),
    Checkpoint { before_slot: u64 },
    Void,
    Away,
}

/// What an old journal is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Recovered {
    /// It says nothing: only the bytes themselves can tell.
    Unknown,
    /// It names pieces.
    Pieces {
        /// Written and durable.
        durable: Vec<PieceIndex>,
        /// Written; lost if the power fails now.
        written: Vec<PieceIndex>,
        /// Perhaps written: look at the bytes.
        doubtful: Vec<PieceIndex>,
    },
}

/// The open journal. Slots are given out by the owner.
#[derive(Debug)]
pub(super) struct Journal {
    file: Box<dyn DiskFile>,
    content: ContentId,
}

impl Journal {
    /// Starts a new journal in place of any old one, with the pieces that are here already.
    /// Returns it with the first free slot.
    pub(super) fn start(
        disk: &dyn Disk,
        place: &Place,
        head: &Head,
        known: &Recovered,
    ) -> Result<(Self, u64), DiskError> {
        let (bytes, slots) = head.begin(known);
        let draft = draft_of(place);
        match disk.remove_file(&draft) {
            Err(error) if error.is_not_found() => {}
            removed => removed?,
        }
        let file = disk.open(&draft, OpenMode::CreateNew)?;
        file.write_all_at(&bytes, 0)?;
        file.sync()?;
        drop(file);
        disk.rename(&draft, place)?;
        if let Some(directory) = place.parent() {
            disk.sync_dir(&directory)?;
        }
        let journal = Self {
            file: disk.open(place, OpenMode::Write)?,
            content: head.content,
        };
        Ok((journal, slots))
    }

    /// Writes a record into a slot that nobody else has.
    pub(super) fn write(&self, slot: u64, record: Record) -> Result<(), DiskError> {
        let offset = HEAD_BYTES as u64 + slot * RECORD_BYTES as u64;
        self.file
            .write_all_at(&encode(&self.content, slot, record), offset)
    }

    pub(super) fn sync(&self) -> Result<(), DiskError> {
        self.file.sync()
    }
}

/// Reads what an old journal is worth to this content in this run of the OS.
pub(super) fn recover(disk: &dyn Disk, place: &Place, head: &Head) -> Result<Recovered, DiskError> {
    match read_small(disk, place, JOURNAL_BYTES_MAX)? {
        Small::Missing | Small::TooLarge => Ok(Recovered::Unknown),
        Small::Bytes(bytes) => Ok(head.parse(&bytes)),
    }
}

fn draft_of(place: &Place) -> Place {
    let name = place.below_root().file_name().unwrap_or_default();
    let draft = format!("{}.tmp", name.to_string_lossy());
    place
        .parent()
        .map_or_else(|| place.clone(), |above| above.listed(&draft))
}

/// What a journal is bound to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) content: ContentId,
    pub(super) boot: Option<BootId>,
}

impl Head {
    fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&[u8::from(self.boot.is_some()), 0]);
        head.extend_from_slice(self.content.as_bytes());
        head.extend_from_slice(
            self.boot
                .map_or([0; 16], |boot| *boot.as_bytes())
                .as_slice(),
        );
        let checksum = Hash::of(&head);
        head.extend(checksum.as_bytes().iter().take(HEAD_BYTES - head.len()));
        // Magic, flags, content, boot and checksum are 6 + 2 + 32 + 16 + 8 bytes.
        head.first_chunk().copied().unwrap_or([0; HEAD_BYTES])
    }

    /// The bytes of a journal that begins with known pieces, and its first free slot.
    fn begin(&self, known: &Recovered) -> (Vec<u8>, u64) {
        let mut bytes = self.encode().to_vec();
        let mut slot = 0_u64;
        let mut push = |record| {
            bytes.extend_from_slice(&encode(&self.content, slot, record));
            slot += 1;
        };
        if let Recovered::Pieces {
            durable, written, ..
        } = known
        {
            durable.iter().for_each(|piece| push(Record::Piece(*piece)));
            push(Record::Checkpoint {
                before_slot: durable.len() as u64,
            });
            written.iter().for_each(|piece| push(Record::Piece(*piece)));
        }
        (bytes, slot)
    }

    fn parse(&self, bytes: &[u8]) -> Recovered {
        let Some((head, body)) = bytes.split_first_chunk::<HEAD_BYTES>() else {
            return Recovered::Unknown;
        };
        let Some(same_run) = self.is_ours(head) else {
            return Recovered::Unknown;
        };
        let (slots, _torn) = body.as_chunks::<RECORD_BYTES>();
        let mut pieces = Vec::new();
        let mut covered = 0;
        let (mut void, mut same_run) = (false, same_run);
        for (slot, raw) in (0_u64..).zip(slots) {
            match decode(&self.content, slot, raw) {
                Some(Record::Piece(piece)) => pieces.push((slot, piece)),
                Some(Record::Checkpoint { before_slot }) => covered = before_slot.min(slot),
                Some(Record::Void) => void = true,
                Some(Record::Away) => same_run = false,
                None => {}
            }
        }
        let split = pieces.partition_point(|(slot, _)| *slot < covered);
        let rest = pieces.split_off(split);
        let names = |list: Vec<(u64, PieceIndex)>| list.into_iter().map(|(_, piece)| piece);
        let rest: Vec<PieceIndex> = names(rest).filter(|_| !void).collect();
        let (written, doubtful) = if same_run {
            (rest, Vec::new())
        } else {
            (Vec::new(), rest)
        };
        Recovered::Pieces {
            durable: names(pieces).collect(),
            written,
            doubtful,
        }
    }

    /// `None`: not a journal of this content. Else whether the OS is in the same run.
    fn is_ours(&self, head: &[u8; HEAD_BYTES]) -> Option<bool> {
        if *head == self.encode() {
            return Some(self.boot.is_some());
        }
        let boot = head.get(40..56)?.first_chunk::<16>()?;
        let known = *head.get(6)? != 0;
        let other_run = Self {
            content: self.content,
            boot: known.then(|| BootId::from_bytes(*boot)),
        };
        (*head == other_run.encode()).then_some(false)
    }
}

fn encode(content: &ContentId, slot: u64, record: Record) -> [u8; RECORD_BYTES] {
    let (kind, value) = match record {
        Record::Piece(piece) => (1_u64, u64::from(piece.0)),
        Record::Checkpoint { before_slot } => (2, before_slot),
        Record::Void => (3, 0),
        Record::Away => (4, 0),
    };
    let [k0, k1, k2, k3, k4, k5, k6, k7] = kind.to_le_bytes();
    let [v0, v1, v2, v3, v4, v5, v6, v7] = value.to_le_bytes();
    let said = [
        k0, k1, k2, k3, k4, k5, k6, k7, v0, v1, v2, v3, v4, v5, v6, v7,
    ];
    let mut raw = [0; RECORD_BYTES];
    let (body, checksum) = raw.split_at_mut(said.len());
    body.copy_from_slice(&said);
    checksum.copy_from_slice(&seal(content, slot, &said));
    raw
}

fn decode(content: &ContentId, slot: u64, raw: &[u8; RECORD_BYTES]) -> Option<Record> {
    let (said, checksum) = raw.split_first_chunk::<16>()?;
    if checksum != seal(content, slot, said) {
        return None;
    }
    let (kind, value) = said.split_first_chunk::<8>()?;
    let value = u64::from_le_bytes(*value.first_chunk()?);
    match u64::from_le_bytes(*kind) {
        1 => Some(Record::Piece(PieceIndex(u32::try_from(value).ok()?))),
        2 => Some(Record::Checkpoint { before_slot: value }),
        3 => Some(Record::Void),
        4 => Some(Record::Away),
        _ => None,
    }
}

/// Half a BLAKE3 hash: no record of another content or slot passes for this one.
fn seal(content: &ContentId, slot: u64, said: &[u8; 16]) -> [u8; 16] {
    let mut bytes = [0; 32 + 8 + 16];
    let (head, rest) = bytes.split_at_mut(32);
    let (middle, tail) = rest.split_at_mut(8);
    head.copy_from_slice(content.as_bytes());
    middle.copy_from_slice(&slot.to_le_bytes());
    tail.copy_from_slice(said);
    let hash = Hash::of(&bytes);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// For the fuzzer: a journal names no piece that it has no record of, and only what comes before a
/// checkpoint is durable.
#[cfg(any(test, feature = "test-util"))]
pub(crate) fn check_hostile(bytes: &[u8]) {
    let head = Head {
        content: ContentId::from_bytes([7; 32]),
        boot: Some(BootId::from_bytes([1; 16])),
    };
    let check = |bytes: &[u8]| {
        if let Recovered::Pieces {
            durable,
            written,
            doubtful,
        } = head.parse(bytes)
        {
            let named = durable.len() + written.len() + doubtful.len();
            assert!(named * RECORD_BYTES <= bytes.len());
        }
    };
    check(bytes);
    let mut sealed = head.encode().to_vec();
    let (records, _) = bytes.as_chunks::<5>();
    for (slot, [kind, value @ ..]) in (0..).zip(records) {
        let value = u32::from_le_bytes(*value);
        let record = match kind % 3 {
            0 => Record::Piece(PieceIndex(value)),
            1 => Record::Checkpoint {
                before_slot: value.into(),
            },
            _ => Record::Void,
        };
        sealed.extend_from_slice(&encode(&head.content, slot, record));
        assert_eq!(
            decode(&head.content, slot, &encode(&head.content, slot, record)),
            Some(record)
        );
    }
    check(&sealed);
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head {
        content: ContentId::from_bytes([7; 32]),
        boot: Some(BootId::from_bytes([9; 16])),
    };

    fn piece(index: u32) -> Record {
        Record::Piece(PieceIndex(index))
    }

    fn indices(list: impl IntoIterator<Item = u32>) -> Vec<PieceIndex> {
        list.into_iter().map(PieceIndex).collect()
    }

    fn journal(records: &[Record]) -> Vec<u8> {
        let mut bytes = HEAD.encode().to_vec();
        for (slot, record) in (0..).zip(records) {
            bytes.extend(encode(&HEAD.content, slot, *record));
        }
        bytes
    }

    fn known(durable: &[u32], written: &[u32], doubtful: &[u32]) -> Recovered {
        Recovered::Pieces {
            durable: indices(durable.iter().copied()),
            written: indices(written.iter().copied()),
            doubtful: indices(doubtful.iter().copied()),
        }
    }

    fn sample() -> Vec<Record> {
        vec![
            piece(4),
            piece(0),
            Record::Checkpoint { before_slot: 2 },
            piece(9),
            piece(2),
        ]
    }

    #[test]
    fn the_run_of_the_os_decides() {
        let bytes = journal(&sample());
        assert_eq!(HEAD.parse(&bytes), known(&[4, 0], &[9, 2], &[]));
        for boot in [None, Some(BootId::from_bytes([8; 16]))] {
            let later = Head { boot, ..HEAD };
            assert_eq!(later.parse(&bytes), known(&[4, 0], &[], &[9, 2]));
        }
        let nameless = Head { boot: None, ..HEAD };
        let (bytes, _) = nameless.begin(&known(&[], &[3], &[]));
        assert_eq!(nameless.parse(&bytes), known(&[], &[], &[3]));
    }

    #[test]
    fn a_checkpoint_covers_only_what_it_names() {
        // Slot 1 was given out before the checkpoint, but after it had looked.
        let records = [piece(1), piece(2), Record::Checkpoint { before_slot: 1 }];
        assert_eq!(HEAD.parse(&journal(&records)), known(&[1], &[2], &[]));
        let liar = [piece(1), Record::Checkpoint { before_slot: 99 }, piece(2)];
        assert_eq!(HEAD.parse(&journal(&liar)), known(&[1], &[2], &[]));
    }

    #[test]
    fn a_failed_sync_voids_what_no_checkpoint_covers() {
        let mut records = sample();
        records.push(Record::Void);
        records.push(piece(5));
        let bytes = journal(&records);
        assert_eq!(HEAD.parse(&bytes), known(&[4, 0], &[], &[]));
        let later = Head { boot: None, ..HEAD };
        assert_eq!(later.parse(&bytes), known(&[4, 0], &[], &[]));
    }

    #[test]
    fn what_no_checkpoint_covers_is_looked_at_when_the_directory_was_away() {
        let mut records = sample();
        records.push(Record::Away);
        records.push(piece(5));
        let bytes = journal(&records);
        assert_eq!(HEAD.parse(&bytes), known(&[4, 0], &[], &[9, 2, 5]));
    }

    #[test]
    fn torn_at_every_byte() {
        let bytes = journal(&sample());
        for cut in 0..bytes.len() {
            let whole = cut.saturating_sub(HEAD_BYTES) / RECORD_BYTES;
            let expected = match (cut < HEAD_BYTES, whole) {
                (true, _) => Recovered::Unknown,
                (false, 0) => known(&[], &[], &[]),
                (false, 1) => known(&[], &[4], &[]),
                (false, 2) => known(&[], &[4, 0], &[]),
                (false, 3) => known(&[4, 0], &[], &[]),
                (false, _) => known(&[4, 0], &[9], &[]),
            };
            assert_eq!(HEAD.parse(&bytes[..cut]), expected, "{cut}");
        }
    }

    #[test]
    fn a_flipped_bit_costs_at_most_its_own_record() {
        let bytes = journal(&sample());
        let all = indices([0, 2, 4, 9]);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Recovered::Pieces {
                durable,
                written,
                doubtful,
            } = HEAD.parse(&flipped)
            else {
                assert!(bit / 8 < HEAD_BYTES, "bit {bit}");
                continue;
            };
            let mut found = [durable.clone(), written, doubtful].concat();
            found.sort();
            assert!(
                durable.len() <= 2 && found.iter().all(|p| all.contains(p)),
                "bit {bit}"
            );
            assert!(found.len() >= 3, "bit {bit}");
        }
    }

    #[test]
    fn of_another_content_it_says_nothing() {
        let other = Head {
            content: ContentId::from_bytes([6; 32]),
            ..HEAD
        };
        assert_eq!(other.parse(&journal(&sample())), Recovered::Unknown);
    }

    #[test]
    fn a_restart_keeps_what_was_known() {
        let (bytes, slots) = HEAD.begin(&known(&[3, 1], &[2], &[]));
        assert_eq!(slots, 4);
        assert_eq!(HEAD.parse(&bytes), known(&[3, 1], &[2], &[]));
    }
}
