//! [`Index`]: what was hashed before, so that a restart hashes nothing.
//!
//! **Invariant:** only a cache. Every answer is bound to a file's size and identity, and losing the
//! whole of it costs time, never data: a database that cannot be read is moved aside and begun
//! anew.

use std::{
    collections::BTreeSet,
    fs, io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use lanspread_proto::{ContentId, Hash, library::Size};
use redb::{
    Builder, Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable,
    TableDefinition, TableError,
};

use crate::{
    error::{DiskError, DiskOp},
    hashing::HashedPayload,
    scan::{Payload, ScannedFile},
    state::StateDir,
    vfs::Place,
};

mod manifests;
mod needed;

pub use manifests::{ManifestStore, StoredError};
pub use needed::{Needed, NeededError};

const FILE: &str = "index.redb";
const ASIDE: &str = "index.redb.damaged";
/// Files by games directory, game and path.
const FILES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("files-1");
/// What a game's directory was last time: fingerprint of its payload, and content.
const CURRENT: TableDefinition<'_, &str, ([u8; 32], [u8; 32])> = TableDefinition::new("current-1");
/// Which content a game's directory was given by a download, whatever became of it since.
const FETCHED: TableDefinition<'_, &str, [u8; 32]> = TableDefinition::new("fetched-1");
/// What the archives of a content hold, as its publisher's listing said: bytes and files.
const HINTS: TableDefinition<'_, [u8; 32], (u64, u32)> = TableDefinition::new("hints-1");
/// The whole database is small; a gigabyte (the default) is not ours to take.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// The cache of hashes.
#[derive(Debug)]
pub struct Index {
    /// `None` once it turned out to be damaged.
    database: Mutex<Option<Database>>,
    path: PathBuf,
    aside: PathBuf,
}

/// How the index was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// As it was left, or new.
    Whole,
    /// Unreadable: it was moved here, and a new one begun. Everything will be hashed again.
    Rebuilt {
        /// The old file.
        aside: PathBuf,
    },
}

/// The index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The database failed.
    #[error("the index {} failed: {source}", path.display())]
    Database {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: Box<redb::Error>,
    },
    /// The database turned out to be damaged while it was used. It was moved aside; the next start
    /// begins a new one, until then everything is hashed.
    #[error("the index {} is damaged; a new one is made at the next start", .0.display())]
    Damaged(PathBuf),
    /// An unreadable database could not be moved aside.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Whose files: a game's directory in a games directory.
#[derive(Debug, Clone, Copy)]
pub struct GameKey<'a> {
    /// The games directory.
    pub games: &'a Place,
    /// The game's directory in it, as it is spelled on disk.
    pub directory: &'a str,
}

impl GameKey<'_> {
    /// No path holds a NUL, so keys of different games never begin alike.
    fn prefix(&self) -> String {
        let games = self.games.path();
        format!("{}\0{}\0", games.to_string_lossy(), self.directory)
    }
}

impl Index {
    /// Opens the index of a state directory that this process has locked.
    ///
    /// # Errors
    /// Neither the old database nor a new one can be opened.
    pub fn open(state: &StateDir) -> Result<(Self, Found), IndexError> {
        let path = state.path().join(FILE);
        let aside = state.path().join(ASIDE);
        let (database, found) = match open_checked(&path) {
            Ok(database) => (database, Found::Whole),
            Err(error) if is_damage(error.as_ref()) || is_no_file(&path) => {
                fs::rename(&path, &aside).map_err(|e| DiskError::new(DiskOp::Rename, &path, e))?;
                let database = create(&path).map_err(|e| failed(&path, e))?;
                let aside = aside.clone();
                (database, Found::Rebuilt { aside })
            }
            Err(Some(error)) => return Err(failed(&path, error)),
            Err(None) => return Err(IndexError::Damaged(path)),
        };
        let index = Self {
            database: Mutex::new(Some(database)),
            path,
            aside,
        };
        Ok((index, found))
    }

    /// The cached hashes of a game's files, as they are now.
    ///
    /// # Errors
    /// The database failed; hash without it.
    pub fn known_files(&self, game: GameKey<'_>) -> Result<KnownFiles, IndexError> {
        let table = self.run(|database| match database.begin_read()?.open_table(FILES) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        })?;
        Ok(KnownFiles {
            prefix: game.prefix(),
            table,
        })
    }

    /// Remembers the hashes of a game's files, and which content they are. Files that are not in
    /// the payload any more are forgotten.
    ///
    /// # Errors
    /// The database failed; the next start hashes again.
    pub fn remember(
        &self,
        game: GameKey<'_>,
        hashed: &HashedPayload,
        payload: &Payload,
        content: ContentId,
    ) -> Result<(), IndexError> {
        let prefix = game.prefix();
        self.run(|database| {
            let transaction = database.begin_write()?;
            {
                let mut files = transaction.open_table(FILES)?;
                files.retain_in(prefix.as_str()..after(&prefix).as_str(), |_, _| false)?;
                for file in &hashed.files {
                    let key = format!("{prefix}{}", file.file.path);
                    let value = encode(&file.file, hashed.chunk_size_log2, &file.values);
                    files.insert(key.as_str(), value.as_slice())?;
                }
                let state = (*payload.fingerprint().as_bytes(), *content.as_bytes());
                transaction
                    .open_table(CURRENT)?
                    .insert(prefix.as_str(), state)?;
            }
            Ok(transaction.commit()?)
        })
    }

    /// Which content a game's directory is, if its payload is as it was when that was remembered.
    ///
    /// # Errors
    /// The database failed.
    pub fn current(
        &self,
        game: GameKey<'_>,
        payload: &Payload,
    ) -> Result<Option<ContentId>, IndexError> {
        let found = self.run(|database| {
            let table = match database.begin_read()?.open_table(CURRENT) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                opened => opened?,
            };
            Ok(table
                .get(game.prefix().as_str())?
                .map(|found| found.value()))
        })?;
        Ok(found
            .filter(|(fingerprint, _)| fingerprint == payload.fingerprint().as_bytes())
            .map(|(_, content)| ContentId::from_bytes(content)))
    }

    /// Remembers which content a download put into a game's directory; `None` when a person says
    /// that what lies there now is how it should be.
    ///
    /// # Errors
    /// The database failed.
    pub fn remember_fetched(
        &self,
        game: GameKey<'_>,
        content: Option<ContentId>,
    ) -> Result<(), IndexError> {
        self.run(|database| {
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(FETCHED)?;
                let prefix = game.prefix();
                match content {
                    Some(content) => table.insert(prefix.as_str(), *content.as_bytes())?,
                    None => table.remove(prefix.as_str())?,
                };
            }
            Ok(transaction.commit()?)
        })
    }

    /// Which content a download put into a game's directory, if that was remembered.
    ///
    /// # Errors
    /// The database failed.
    pub fn fetched(&self, game: GameKey<'_>) -> Result<Option<ContentId>, IndexError> {
        let found = self.run(|database| {
            let table = match database.begin_read()?.open_table(FETCHED) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                opened => opened?,
            };
            Ok(table
                .get(game.prefix().as_str())?
                .map(|found| found.value()))
        })?;
        Ok(found.map(ContentId::from_bytes))
    }

    /// Every content that a directory is, or was given by a download, in any games directory.
    ///
    /// # Errors
    /// The database failed.
    pub fn contents(&self) -> Result<BTreeSet<ContentId>, IndexError> {
        self.run(|database| {
            let read = database.begin_read()?;
            let mut contents = BTreeSet::new();
            match read.open_table(CURRENT) {
                Err(TableError::TableDoesNotExist(_)) => {}
                opened => {
                    for row in opened?.iter()? {
                        contents.insert(ContentId::from_bytes(row?.1.value().1));
                    }
                }
            }
            match read.open_table(FETCHED) {
                Err(TableError::TableDoesNotExist(_)) => {}
                opened => {
                    for row in opened?.iter()? {
                        contents.insert(ContentId::from_bytes(row?.1.value()));
                    }
                }
            }
            Ok(contents)
        })
    }

    /// Forgets a game that is gone.
    ///
    /// # Errors
    /// The database failed.
    pub fn forget(&self, game: GameKey<'_>) -> Result<(), IndexError> {
        let prefix = game.prefix();
        self.run(|database| {
            let transaction = database.begin_write()?;
            transaction
                .open_table(FILES)?
                .retain_in(prefix.as_str()..after(&prefix).as_str(), |_, _| false)?;
            transaction.open_table(CURRENT)?.remove(prefix.as_str())?;
            transaction.open_table(FETCHED)?.remove(prefix.as_str())?;
            Ok(transaction.commit()?)
        })
    }

    /// Remembers what the archives of a content unpack to.
    ///
    /// # Errors
    /// The database failed.
    pub fn remember_unpacked(&self, content: ContentId, size: Size) -> Result<(), IndexError> {
        self.run(|database| {
            let transaction = database.begin_write()?;
            transaction
                .open_table(HINTS)?
                .insert(*content.as_bytes(), (size.bytes, size.files))?;
            Ok(transaction.commit()?)
        })
    }

    /// What the archives of a content unpack to, if that was remembered.
    ///
    /// # Errors
    /// The database failed.
    pub fn unpacked(&self, content: ContentId) -> Result<Option<Size>, IndexError> {
        let found = self.run(|database| {
            let table = match database.begin_read()?.open_table(HINTS) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(None),
                opened => opened?,
            };
            Ok(table.get(*content.as_bytes())?.map(|found| found.value()))
        })?;
        Ok(found.map(|(bytes, files)| Size { bytes, files }))
    }

    /// A database that was damaged after it was opened may panic; that must cost no more than the
    /// cache.
    fn run<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, IndexError> {
        let mut database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = database.as_ref() else {
            return Err(IndexError::Damaged(self.path.clone()));
        };
        match catch_unwind(AssertUnwindSafe(|| work(open))) {
            Ok(Err(redb::Error::Corrupted(_))) | Err(_) => {
                // Closing it would write to it, or panic again.
                mem::forget(database.take());
                // If it stays in place, the next start finds the damage itself.
                fs::rename(&self.path, &self.aside).ok();
                Err(IndexError::Damaged(self.path.clone()))
            }
            Ok(done) => done.map_err(|error| failed(&self.path, error)),
        }
    }
}

/// The cached hashes of one game's files, at one moment.
pub struct KnownFiles {
    prefix: String,
    table: Option<ReadOnlyTable<&'static str, &'static [u8]>>,
}

impl KnownFiles {
    /// The chunk values of a file, if it is the one that was hashed, at this chunk size. An entry
    /// that cannot be read is one that is not there.
    #[must_use]
    pub fn values(&self, file: &ScannedFile, chunk_size_log2: u8) -> Option<Vec<Hash>> {
        let table = self.table.as_ref()?;
        let key = format!("{}{}", self.prefix, file.path);
        let look = || {
            decode(
                file,
                chunk_size_log2,
                table.get(key.as_str()).ok()??.value(),
            )
        };
        catch_unwind(AssertUnwindSafe(look)).ok().flatten()
    }
}

impl std::fmt::Debug for KnownFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KnownFiles({:?})", self.prefix)
    }
}

fn create(path: &Path) -> Result<Database, DatabaseError> {
    Builder::new().set_cache_size(CACHE_BYTES).create(path)
}

/// Opens a database and verifies all of its checksums: it is small, and not checked later. `None`:
/// it is damaged in a way that nobody foresaw.
fn open_checked(path: &Path) -> Result<Database, Option<DatabaseError>> {
    catch_unwind(|| {
        let mut database = create(path)?;
        database.check_integrity()?;
        Ok(database)
    })
    .map_err(|_panic| None)?
    .map_err(Some)
}

/// A directory, a pipe: what the system says on opening them depends on the system.
fn is_no_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| !found.is_file() && !found.is_symlink())
}

/// Whether a new database would help. In use, no permission, disk full: it would fare no better.
fn is_damage(error: Option<&DatabaseError>) -> bool {
    let Some(error) = error else {
        return true;
    };
    if let DatabaseError::Storage(redb::StorageError::Io(source)) = error {
        return matches!(
            source.kind(),
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof | io::ErrorKind::IsADirectory
        );
    }
    matches!(
        error,
        DatabaseError::Storage(redb::StorageError::Corrupted(_))
            | DatabaseError::UpgradeRequired(_)
            | DatabaseError::RepairAborted
    )
}

fn failed(path: &Path, source: impl Into<redb::Error>) -> IndexError {
    IndexError::Database {
        path: path.to_owned(),
        source: Box::new(source.into()),
    }
}

/// The first key after all that begin with a prefix, which ends in NUL.
fn after(prefix: &str) -> String {
    format!("{}\x01", prefix.trim_end_matches('\0'))
}

/// Everything that a file's values depend on; behind it come the values and a checksum of all.
fn head(file: &ScannedFile, chunk_size_log2: u8) -> [u8; 33] {
    let mut head = [0; 33];
    let parts = [
        file.bytes.to_le_bytes().as_slice(),
        &file.identity.modified_nanos.to_le_bytes(),
        &file.identity.file_id.to_le_bytes(),
        &[chunk_size_log2],
    ]
    .concat();
    for (to, from) in head.iter_mut().zip(parts) {
        *to = from;
    }
    head
}

fn encode(file: &ScannedFile, chunk_size_log2: u8, values: &[Hash]) -> Vec<u8> {
    let mut bytes = head(file, chunk_size_log2).to_vec();
    for value in values {
        bytes.extend_from_slice(value.as_bytes());
    }
    let checksum = Hash::of(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    bytes
}

fn decode(file: &ScannedFile, chunk_size_log2: u8, bytes: &[u8]) -> Option<Vec<Hash>> {
    let (bytes, checksum) = bytes.split_last_chunk::<32>()?;
    let values = bytes.strip_prefix(&head(file, chunk_size_log2))?;
    // Wrong values would make a manifest that nobody can serve.
    if Hash::of(bytes).as_bytes() != checksum {
        return None;
    }
    let (values, rest) = values.as_chunks::<32>();
    rest.is_empty().then(|| {
        values
            .iter()
            .map(|value| Hash::from_bytes(*value))
            .collect()
    })
}

/// For the fuzzer.
#[cfg(any(test, feature = "test-util"))]
pub(crate) fn check_hostile_record(file: &ScannedFile, bytes: &[u8]) {
    // What is believed has as many bytes as it should.
    let check = |bytes: &[u8]| {
        let values = decode(file, 20, bytes);
        let head_and_checksum = 33 + 32;
        assert!(values.is_none_or(|values| values.len() * 32 + head_and_checksum == bytes.len()));
    };
    check(bytes);
    let (chunks, _) = bytes.as_chunks::<32>();
    let values: Vec<Hash> = chunks
        .iter()
        .map(|chunk| Hash::from_bytes(*chunk))
        .collect();
    let good = encode(file, 20, &values);
    assert_eq!(decode(file, 20, &good), Some(values));
    let mut sealed = head(file, 20).to_vec();
    sealed.extend_from_slice(bytes);
    let checksum = Hash::of(&sealed);
    sealed.extend_from_slice(checksum.as_bytes());
    check(&sealed);
}

#[cfg(test)]
mod tests;
