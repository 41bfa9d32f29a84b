//! [`StoredRar5`]: RAR 5 with stored members, in one volume or many.
//!
//! Written from the public description of the RAR 5.0 container (blocks, variable-length numbers,
//! CRC-32). It compresses nothing.

use std::io::{self, Read, Seek, SeekFrom, Write};

use lanspread_proto::RelPath;

use super::{Exactly, PackFile, Packer};

pub(super) const SIGNATURE: &[u8] = b"Rar!\x1a\x07\x01\x00";
const MAIN: u64 = 1;
const FILE: u64 = 2;
const END: u64 = 5;
const HAS_EXTRA: u64 = 0x01;
const HAS_DATA: u64 = 0x02;
const SPLIT_BEFORE: u64 = 0x08;
const SPLIT_AFTER: u64 = 0x10;
const IS_VOLUME: u64 = 0x01;
const HAS_VOLUME_NUMBER: u64 = 0x02;
const IS_DIRECTORY: u64 = 0x01;
const HAS_TIME: u64 = 0x02;
const HAS_CRC: u64 = 0x04;
const MORE_VOLUMES: u64 = 0x01;
const UNIX: u64 = 1;
const REDIRECTION: u64 = 5;
/// The time of every entry, so that the same entries give the same archive.
const TIME: u32 = 1_700_000_000;
/// Bytes kept free at the end of a volume for its end block.
const END_ROOM: u64 = 16;

/// How a file shares its bytes with an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameBytes {
    /// A hard link.
    HardLink,
    /// A file copy, as `rar -oi` stores identical files.
    FileCopy,
}

/// An archive whose volumes come from `F`, called with 0, 1, ...
pub struct StoredRar5<W, F> {
    open: F,
    volumes: Vec<W>,
    /// Bytes of one volume.
    volume_bytes: Option<u64>,
}

impl<W, F> std::fmt::Debug for StoredRar5<W, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredRar5")
    }
}

/// The bytes of a file and their checksum so far.
struct Summed<'a> {
    data: &'a mut dyn Read,
    crc: crc32fast::Hasher,
}

impl Read for Summed<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.data.read(out)?;
        self.crc.update(out.get(..count).unwrap_or_default());
        Ok(count)
    }
}

/// The header of one entry, down to what no honest archive has.
#[derive(Debug, Clone)]
pub(super) struct RawEntry {
    pub(super) name: Vec<u8>,
    /// What the header says, whatever follows.
    pub(super) declared: u64,
    pub(super) directory: bool,
    pub(super) attributes: u64,
    pub(super) host: u64,
    pub(super) extra: Vec<u8>,
    /// Makes the checksum wrong.
    pub(super) crc_xor: u32,
}

impl RawEntry {
    pub(super) fn file(name: impl Into<Vec<u8>>, bytes: u64, mode: u32) -> Self {
        Self {
            name: name.into(),
            declared: bytes,
            directory: false,
            attributes: u64::from(0o100_000 | mode),
            host: UNIX,
            extra: Vec::new(),
            crc_xor: 0,
        }
    }

    /// Kinds: 1 Unix symlink, 2 Windows symlink, 3 junction, 4 hard link, 5 file copy.
    pub(super) fn redirection(name: &str, kind: u64, target: &str) -> Self {
        let mut payload = vint(REDIRECTION);
        payload.extend(vint(kind));
        payload.extend(vint(0));
        payload.extend(vint(length(target.as_bytes())));
        payload.extend(target.as_bytes());
        let mut extra = vint(length(&payload));
        extra.extend(payload);
        Self {
            extra,
            ..Self::file(name, 0, 0o644)
        }
    }

    fn header(&self, flags: u64, crc: Option<u32>, data: u64) -> Vec<u8> {
        let kind = if self.directory { IS_DIRECTORY } else { 0 };
        let with_crc = if crc.is_some() { HAS_CRC } else { 0 };
        let mut fields = vint(kind | HAS_TIME | with_crc);
        fields.extend(vint(self.declared));
        fields.extend(vint(self.attributes));
        fields.extend(TIME.to_le_bytes());
        fields.extend(
            crc.map(|crc| crc ^ self.crc_xor)
                .into_iter()
                .flat_map(u32::to_le_bytes),
        );
        // Compression: version 0, not solid, stored.
        fields.extend(vint(0));
        fields.extend(vint(self.host));
        fields.extend(vint(length(&self.name)));
        fields.extend(&self.name);
        let data = (!self.directory).then_some(data);
        block(FILE, flags, &fields, &self.extra, data)
    }
}

impl<W: Write + Seek, F: FnMut(usize) -> io::Result<W>> StoredRar5<W, F> {
    /// Begins an archive; with `volume_bytes` it is cut into volumes of at most that size.
    ///
    /// # Errors
    /// What the first volume said.
    pub fn new(volume_bytes: Option<u64>, open: F) -> io::Result<Self> {
        let mut archive = Self {
            open,
            volumes: Vec::new(),
            volume_bytes,
        };
        archive.next_volume()?;
        Ok(archive)
    }

    /// Adds a file that has the bytes of the earlier file `target`.
    ///
    /// # Errors
    /// What the output said.
    pub fn add_same(
        &mut self,
        path: &RelPath,
        target: &RelPath,
        kind: SameBytes,
    ) -> io::Result<()> {
        let kind = match kind {
            SameBytes::HardLink => 4,
            SameBytes::FileCopy => 5,
        };
        let entry = RawEntry::redirection(path.as_str(), kind, target.as_str());
        self.add_raw(&entry, 0, &mut io::empty())
    }

    /// Writes the end and gives the volumes back.
    ///
    /// # Errors
    /// What the output said.
    pub fn finish(mut self) -> io::Result<Vec<W>> {
        self.end_volume(0)?;
        Ok(self.volumes)
    }

    /// Adds an entry with `bytes` bytes of data, whatever its header says.
    pub(super) fn add_raw(
        &mut self,
        entry: &RawEntry,
        bytes: u64,
        data: &mut dyn Read,
    ) -> io::Result<()> {
        let mut data = Summed {
            data,
            crc: crc32fast::Hasher::new(),
        };
        let mut left = bytes;
        let mut flags = 0;
        loop {
            let here = match self.room(entry)? {
                Some(0) => {
                    self.next_volume()?;
                    continue;
                }
                Some(room) => left.min(room),
                None => left,
            };
            left -= here;
            flags |= if left > 0 { SPLIT_AFTER } else { 0 };
            self.add_part(entry, flags, here, &mut data)?;
            if left == 0 {
                return Ok(());
            }
            flags = SPLIT_BEFORE;
            self.next_volume()?;
        }
    }

    /// Writes one part. Its checksum is known only behind it, so its header is written twice: a
    /// part that another follows has the checksum of its own bytes, the last that of the file.
    fn add_part(
        &mut self,
        entry: &RawEntry,
        flags: u64,
        bytes: u64,
        data: &mut Summed<'_>,
    ) -> io::Result<()> {
        let has_crc = !entry.directory && entry.extra.is_empty();
        let crc = |value| has_crc.then_some(value);
        let output = self.current()?;
        let start = output.stream_position()?;
        output.write_all(&entry.header(flags, crc(0), bytes))?;
        let mut part = crc32fast::Hasher::new();
        let mut buffer = vec![0_u8; 64 * 1024];
        let mut left = bytes;
        while left > 0 {
            let most = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            let chunk = buffer.get_mut(..most).unwrap_or_default();
            data.read_exact(chunk)?;
            part.update(chunk);
            output.write_all(chunk)?;
            left -= length(chunk);
        }
        let goes_on = flags & SPLIT_AFTER != 0;
        let value = if goes_on {
            part.finalize()
        } else {
            data.crc.clone().finalize()
        };
        output.seek(SeekFrom::Start(start))?;
        output.write_all(&entry.header(flags, crc(value), bytes))?;
        output.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// Bytes of data that fit behind the entry's header; `None` without volumes.
    fn room(&mut self, entry: &RawEntry) -> io::Result<Option<u64>> {
        let Some(volume) = self.volume_bytes else {
            return Ok(None);
        };
        let header = entry.header(SPLIT_BEFORE | SPLIT_AFTER, Some(0), volume);
        let used = self.current()?.stream_position()? + length(&header) + END_ROOM;
        if volume <= length(&header) + 2 * END_ROOM + length(SIGNATURE) + 32 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "volumes of this size hold nothing",
            ));
        }
        Ok(Some(volume.saturating_sub(used)))
    }

    fn next_volume(&mut self) -> io::Result<()> {
        if !self.volumes.is_empty() {
            self.end_volume(MORE_VOLUMES)?;
        }
        let number = u64::try_from(self.volumes.len()).unwrap_or(u64::MAX);
        let mut fields = Vec::new();
        match (self.volume_bytes, number) {
            (None, _) => fields.extend(vint(0)),
            (Some(_), 0) => fields.extend(vint(IS_VOLUME)),
            (Some(_), number) => {
                fields.extend(vint(IS_VOLUME | HAS_VOLUME_NUMBER));
                fields.extend(vint(number));
            }
        }
        let mut volume = (self.open)(self.volumes.len())?;
        volume.write_all(SIGNATURE)?;
        volume.write_all(&block(MAIN, 0, &fields, &[], None))?;
        self.volumes.push(volume);
        Ok(())
    }

    fn end_volume(&mut self, flags: u64) -> io::Result<()> {
        let end = block(END, 0, &vint(flags), &[], None);
        let volume = self.current()?;
        volume.write_all(&end)?;
        volume.flush()
    }

    fn current(&mut self) -> io::Result<&mut W> {
        self.volumes
            .last_mut()
            .ok_or_else(|| io::Error::other("no volume"))
    }
}

impl<W: Write + Seek, F: FnMut(usize) -> io::Result<W>> Packer for StoredRar5<W, F> {
    fn add_dir(&mut self, path: &RelPath) -> io::Result<()> {
        let entry = RawEntry {
            directory: true,
            attributes: 0o040_755,
            ..RawEntry::file(path.as_str(), 0, 0)
        };
        self.add_raw(&entry, 0, &mut io::empty())
    }

    fn add_file(&mut self, file: PackFile<'_>, data: &mut dyn Read) -> io::Result<()> {
        let entry = RawEntry::file(file.path.as_str(), file.bytes, file.mode());
        let mut exactly = Exactly::new(data, file.bytes);
        self.add_raw(&entry, file.bytes, &mut exactly)?;
        exactly.finish()
    }
}

/// A number: seven bits a byte, lowest first.
pub(super) fn vint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(value & 0x7F).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// One block: checksum, size, type, flags, sizes of what follows, fields, extra area.
fn block(kind: u64, flags: u64, fields: &[u8], extra: &[u8], data: Option<u64>) -> Vec<u8> {
    let has_extra = if extra.is_empty() { 0 } else { HAS_EXTRA };
    let has_data = if data.is_some() { HAS_DATA } else { 0 };
    let mut body = vint(kind);
    body.extend(vint(flags | has_extra | has_data));
    if !extra.is_empty() {
        body.extend(vint(length(extra)));
    }
    body.extend(data.into_iter().flat_map(vint));
    body.extend(fields);
    body.extend(extra);
    let mut sized = vint(length(&body));
    sized.extend(body);
    let mut bytes = crc32fast::hash(&sized).to_le_bytes().to_vec();
    bytes.extend(sized);
    bytes
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
