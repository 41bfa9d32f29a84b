//! Makes the games of a demo: the same bytes on every machine, from nothing but their names.
//!
//! Invariant: what is expected after an install comes from the generator, never from the archives,
//! so that a fault of a packer, a transfer or an unpacker cannot hide itself.

mod catalog;
mod dated;
mod stream;
mod tree;

use std::{
    fs::File,
    io::{self, BufWriter, Read},
    path::{Path, PathBuf},
};

use lanspread_proto::{GameId, Hash, RelPath};
use lanspread_unpack::pack::{
    PackFile, Packer, SameBytes, SevenZPacker, StoredRar5, TarZstd, ZipPacker,
};

use self::{
    catalog::{FileSpec, GameSpec},
    stream::Stream,
    tree::TreeWriter,
};
use crate::{error::DemoError, work::Stop};

/// The version of every generated game.
const VERSION_INI: &str = "20260704\n";
/// Volumes of the RAR set: three for the usual size.
const RAR_VOLUMES: u64 = 3;
/// Smallest volume: a header must fit.
const RAR_VOLUME_BYTES_MIN: u64 = 64 << 10;
/// Bytes copied at once.
const BUFFER_BYTES: usize = 256 << 10;

/// How a game is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A set of RAR volumes.
    Rar,
    /// A ZIP.
    Zip,
    /// A 7z.
    SevenZ,
    /// A tar compressed with Zstandard.
    TarZstd,
    /// Plain files.
    Tree,
}

impl Format {
    /// The name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rar => "RAR",
            Self::Zip => "ZIP",
            Self::SevenZ => "7z",
            Self::TarZstd => "tar.zst",
            Self::Tree => "files",
        }
    }
}

/// A file as it must be after an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Where it is, below `local/`.
    pub path: RelPath,
    /// Its size.
    pub bytes: u64,
    /// The BLAKE3 hash of its bytes.
    pub hash: Hash,
}

/// A generated game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Game {
    /// Which game.
    pub id: GameId,
    /// How it is packed.
    pub format: Format,
    /// Bytes of its payload, `version.ini` included.
    pub payload_bytes: u64,
    /// Every file after an install.
    pub files: Vec<Expected>,
    /// Every empty directory after an install.
    pub empty_dirs: Vec<RelPath>,
}

/// Follows the generator: bytes made so far.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(u64);

/// Bytes of all generated files together, unpacked, about `megabytes` of them.
///
/// # Errors
/// A name in the list breaks a rule.
pub(crate) fn unpacked_bytes(megabytes: u32) -> Result<u64, DemoError> {
    let games = catalog::games(megabytes)?;
    let files = games.iter().flat_map(|game| &game.files);
    Ok(files.map(|file| file.bytes).sum())
}

/// Makes all games below `games_dir`, about `megabytes` of unpacked files.
///
/// # Errors
/// The disk refuses, or the work is to stop.
pub(crate) fn generate(
    games_dir: &Path,
    megabytes: u32,
    stop: &Stop,
    tell: Tell<'_>,
) -> Result<Vec<Game>, DemoError> {
    let mut feed = Feed {
        stop,
        tell,
        done: 0,
    };
    let specs = catalog::games(megabytes)?;
    let games = specs.iter().map(|spec| make(games_dir, spec, &mut feed));
    games.collect()
}

/// Copies a directory with all that is in it; the copy is as old as the original claims to be.
///
/// # Errors
/// The disk refuses, or the work is to stop.
pub(crate) fn copy(
    from: &Path,
    to: &Path,
    stop: &Stop,
    tell: &mut dyn FnMut(u64),
) -> Result<(), DemoError> {
    std::fs::create_dir_all(to).map_err(DemoError::file("make", to))?;
    let entries = std::fs::read_dir(from).map_err(DemoError::file("read", from))?;
    for entry in entries {
        stop.check().map_err(|_stopped| DemoError::Stopped)?;
        let entry = entry.map_err(DemoError::file("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type();
        if kind.map_err(DemoError::file("read", &source))?.is_dir() {
            copy(&source, &target, stop, tell)?;
        } else {
            let bytes = std::fs::copy(&source, &target).map_err(DemoError::file("copy", source))?;
            dated::backdate_file(&target)?;
            tell(bytes);
        }
    }
    dated::backdate_dir(to)
}

fn make(games_dir: &Path, spec: &GameSpec, feed: &mut Feed<'_>) -> Result<Game, DemoError> {
    let root = games_dir.join(spec.id);
    std::fs::create_dir_all(&root).map_err(DemoError::file("make", &root))?;
    let packed = pack(&root, spec, feed);
    let mut files = packed.map_err(|source| match feed.stop.check() {
        Err(_stopped) => DemoError::Stopped,
        Ok(()) => DemoError::file("make", &root)(source),
    })?;
    let ini = root.join("version.ini");
    std::fs::write(&ini, VERSION_INI).map_err(DemoError::file("make", ini))?;
    // A game of plain files is installed whole.
    if spec.format == Format::Tree {
        files.push(Expected {
            path: RelPath::parse("version.ini")?,
            bytes: length(VERSION_INI),
            hash: Hash::of(VERSION_INI.as_bytes()),
        });
    }
    Ok(Game {
        id: GameId::parse(spec.id)?,
        format: spec.format,
        payload_bytes: dated::backdate(&root)?,
        files,
        empty_dirs: spec.empty_dirs.clone(),
    })
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

fn pack(root: &Path, spec: &GameSpec, feed: &mut Feed<'_>) -> io::Result<Vec<Expected>> {
    match spec.format {
        Format::Rar => pack_rar(root, spec, feed),
        Format::Zip => {
            let mut packer = ZipPacker::new(create(root.join(format!("{}.zip", spec.id)))?);
            let files = feed.pack_all(&mut packer, spec)?;
            packer.finish()?.into_inner()?;
            Ok(files)
        }
        Format::SevenZ => {
            let mut packer = SevenZPacker::new(create(root.join(format!("{}.7z", spec.id)))?)?;
            let files = feed.pack_all(&mut packer, spec)?;
            packer.finish()?.into_inner()?;
            Ok(files)
        }
        Format::TarZstd => {
            let mut packer = TarZstd::new(create(root.join(format!("{}.tar.zst", spec.id)))?)?;
            let files = feed.pack_all(&mut packer, spec)?;
            packer.finish()?.into_inner()?;
            Ok(files)
        }
        Format::Tree => feed.pack_all(&mut TreeWriter::new(root.to_owned()), spec),
    }
}

/// Stored files in several volumes, and at the end files that are copies of earlier ones.
fn pack_rar(root: &Path, spec: &GameSpec, feed: &mut Feed<'_>) -> io::Result<Vec<Expected>> {
    let total: u64 = spec.files.iter().map(|file| file.bytes).sum();
    let volume_bytes = (total / RAR_VOLUMES + 4_096).max(RAR_VOLUME_BYTES_MIN);
    let open = |number: usize| {
        let name = format!("{}.part{}.rar", spec.id, number + 1);
        create(root.join(name))
    };
    let mut packer = StoredRar5::new(Some(volume_bytes), open)?;
    let mut files = feed.pack_all(&mut packer, spec)?;
    for (path, original) in &spec.copies {
        packer.add_same(path, original, SameBytes::FileCopy)?;
        let same = files.iter().find(|file| file.path == *original);
        let same = same.ok_or_else(|| io::Error::other("a copy of nothing"))?;
        files.push(Expected {
            path: path.clone(),
            ..same.clone()
        });
    }
    for volume in packer.finish()? {
        volume.into_inner()?;
    }
    Ok(files)
}

fn create(path: PathBuf) -> io::Result<BufWriter<File>> {
    let file = File::create_new(path)?;
    Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
}

/// Hands generated bytes to packers and remembers what they were.
struct Feed<'a> {
    stop: &'a Stop,
    tell: Tell<'a>,
    done: u64,
}

impl Feed<'_> {
    fn pack_all(&mut self, packer: &mut dyn Packer, spec: &GameSpec) -> io::Result<Vec<Expected>> {
        for dir in &spec.empty_dirs {
            packer.add_dir(dir)?;
        }
        let files = spec.files.iter();
        files
            .map(|file| self.pack_one(packer, spec, file))
            .collect()
    }

    fn pack_one(
        &mut self,
        packer: &mut dyn Packer,
        game: &GameSpec,
        spec: &FileSpec,
    ) -> io::Result<Expected> {
        let stream = Stream::new(game.id, spec.path.as_str(), spec.kind, spec.bytes);
        let mut hashed = Hashed {
            bytes: self.stop.guard(stream),
            hasher: blake3::Hasher::new(),
            done: &mut self.done,
            tell: &mut *self.tell,
        };
        let file = PackFile {
            path: &spec.path,
            bytes: spec.bytes,
            executable: spec.path.as_str().ends_with(".exe"),
        };
        packer.add_file(file, &mut hashed)?;
        Ok(Expected {
            path: spec.path.clone(),
            bytes: spec.bytes,
            hash: Hash::from_bytes(*hashed.hasher.finalize().as_bytes()),
        })
    }
}

/// Hashes and counts what is read through it.
struct Hashed<'a, R> {
    bytes: R,
    hasher: blake3::Hasher,
    done: &'a mut u64,
    tell: Tell<'a>,
}

impl<R: Read> Read for Hashed<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(out)?;
        self.hasher.update(out.get(..count).unwrap_or_default());
        *self.done += u64::try_from(count).unwrap_or(0);
        (self.tell)(*self.done);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
