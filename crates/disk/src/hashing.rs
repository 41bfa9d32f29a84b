//! Hashing a payload, once, when a version is first seen.
//!
//! **Invariant:** every chunk was read while its file had the identity that the scan saw; a file
//! that changes meanwhile is an error, never a hash of two states.
//!
//! The caller works along with the pool: it claims chunks itself and only *offers* work to the
//! pool's threads, so hashing ends also when it is called from one of them.

use std::{
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use lanspread_proto::{
    ChunkIndex, ChunkMap, FileIndex, Geometry, Hash, Manifest, RelPath, VersionLabel,
    chunk_map::ChunkMapError,
    geometry::Chunk,
    hash,
    id::GameId,
    manifest::{self, FileEntry, Layout, ManifestDraft, ManifestError},
};

use crate::{
    error::DiskError,
    pool::Pool,
    scan::{Payload, ScannedFile},
    vfs::{Disk, DiskFile, OpenMode, Place},
};

mod whole;

pub(crate) use whole::{WholeError, hash_whole};

/// How far a long piece of work is, and the wish that it stops; shared with whoever watches it.
#[derive(Debug, Default)]
pub struct Progress {
    bytes: AtomicU64,
    cancelled: AtomicBool,
}

impl Progress {
    /// Bytes done, cached ones included.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Asks the work to stop at the next chunk.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Somebody asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What is hashed.
#[derive(Debug, Clone)]
pub struct HashJob {
    /// Where the files are.
    pub disk: Arc<dyn Disk>,
    /// The game's directory.
    pub game_root: Place,
    /// What [`scan_payload`](crate::scan::scan_payload) saw there.
    pub payload: Arc<Payload>,
    /// Told how far it is, asked whether to stop.
    pub progress: Arc<Progress>,
}

/// A payload with all its hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedPayload {
    /// The files, sorted by path.
    pub files: Vec<HashedFile>,
    /// Directories with nothing in them, sorted by path.
    pub empty_dirs: Vec<RelPath>,
    /// The chunk size of the values, as a power of two.
    pub chunk_size_log2: u8,
}

/// One file with its hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedFile {
    /// What was hashed.
    pub file: ScannedFile,
    /// Its BLAKE3 root.
    pub root: Hash,
    /// The value of each chunk.
    pub values: Vec<Hash>,
}

/// Why a payload has no hashes.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// A file changed while or since it was looked at: scan again, later.
    #[error("{0} changed while it was hashed")]
    Changed(RelPath),
    /// [`Progress::cancel`] was called.
    #[error("hashing was cancelled")]
    Cancelled,
    /// The disk failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A job of the pool ended without an answer: a defect.
    #[error("a worker thread gave up while hashing")]
    Worker,
}

/// Why hashes make no manifest.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The files break a rule of manifests.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Cached values do not belong to the files: forget the cache of this game and hash again.
    #[error(transparent)]
    ChunkMap(#[from] ChunkMapError),
}

/// Which version of which game a payload is.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The game.
    pub game: GameId,
    /// Its version.
    pub version: VersionLabel,
    /// How it is installed.
    pub layout: Layout,
}

impl HashedPayload {
    /// The manifest and the chunk map of these files.
    ///
    /// # Errors
    /// The files break a rule of manifests, or cached values were wrong.
    pub fn publish(&self, of: Publication) -> Result<(Manifest, ChunkMap), PublishError> {
        let entry = |hashed: &HashedFile| FileEntry {
            path: hashed.file.path.clone(),
            bytes: hashed.file.bytes,
            root: hashed.root,
        };
        let manifest = Manifest::new(ManifestDraft {
            game: of.game,
            version: of.version,
            layout: of.layout,
            files: self.files.iter().map(entry).collect(),
            empty_dirs: self.empty_dirs.clone(),
        })?;
        let values = self.files.iter().flat_map(|file| &file.values);
        let chunk_map = ChunkMap::new(values.copied().collect(), &manifest)?;
        Ok((manifest, chunk_map))
    }
}

/// Hashes a payload. `known` gives the values of a file that an earlier run has hashed at this
/// chunk size (a power of two); their number must fit the file.
///
/// # Errors
/// A file changed, the disk failed, or the work was cancelled.
pub fn hash_payload(
    job: &HashJob,
    pool: &Pool,
    mut known: impl FnMut(&ScannedFile, u8) -> Option<Vec<Hash>>,
) -> Result<HashedPayload, HashError> {
    let log2 = manifest::chunk_size_log2(job.payload.bytes);
    let sizes = job.payload.files.iter().map(|file| file.bytes);
    let geometry = Geometry::new(1 << log2, sizes);
    let mut values = vec![None; geometry.chunk_count() as usize];
    let mut wanted = Vec::new();
    for (index, file) in (0..).map(FileIndex).zip(&job.payload.files) {
        let range = geometry.file_chunks(index);
        let own = values
            .get_mut(range.start as usize..range.end as usize)
            .unwrap_or_default();
        match known(file, log2).filter(|cached| cached.len() == own.len()) {
            Some(cached) => {
                job.progress.add(file.bytes);
                own.iter_mut()
                    .zip(cached)
                    .for_each(|(slot, value)| *slot = Some(value));
            }
            None => wanted.extend(range.map(ChunkIndex)),
        }
    }
    let work = Work {
        job: job.clone(),
        geometry,
        wanted,
        next: AtomicU32::new(0),
        stop: AtomicBool::new(false),
        crew: Mutex::default(),
        somebody_left: Condvar::new(),
    };
    let work = Arc::new(work);
    fill(&work, pool, &mut values)?;
    collect(&work, &values, log2)
}

/// The chunks to hash, which of them nobody has claimed yet, and who is at work on them.
struct Work {
    job: HashJob,
    geometry: Geometry,
    wanted: Vec<ChunkIndex>,
    next: AtomicU32,
    stop: AtomicBool,
    crew: Mutex<Crew>,
    somebody_left: Condvar,
}

type Outcome = Result<Vec<(ChunkIndex, Hash)>, HashError>;

#[derive(Default)]
struct Crew {
    /// Helpers at work.
    active: usize,
    /// Nobody may join any more: the caller waits for those that are in, not for those that still
    /// stand in the pool's queue.
    closed: bool,
    outcomes: Vec<Outcome>,
}

fn fill(work: &Arc<Work>, pool: &Pool, values: &mut [Option<Hash>]) -> Result<(), HashError> {
    let useful = work.wanted.len().saturating_sub(1);
    for _ in 0..useful.min(pool.thread_count()) {
        let helper = Arc::clone(work);
        if pool.try_submit(Box::new(move || helper.help())).is_err() {
            break;
        }
    }
    let own = claim_all(work);
    let mut failure = None;
    for outcome in work.close().into_iter().chain([own]) {
        match outcome {
            Ok(hashed) => {
                for (chunk, value) in hashed {
                    if let Some(slot) = values.get_mut(chunk.as_usize()) {
                        *slot = Some(value);
                    }
                }
            }
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    failure.map_or(Ok(()), Err)
}

impl Work {
    fn help(&self) {
        {
            let mut crew = self.crew();
            if crew.closed {
                return;
            }
            crew.active += 1;
        }
        // Leaves also when the work panics: the caller waits for it.
        let seat = Seat(self);
        let outcome = claim_all(self);
        self.crew().outcomes.push(outcome);
        drop(seat);
    }

    /// Waits for the helpers at work.
    fn close(&self) -> Vec<Outcome> {
        let mut crew = self.crew();
        crew.closed = true;
        while crew.active > 0 {
            let waited = self.somebody_left.wait(crew);
            crew = waited.unwrap_or_else(PoisonError::into_inner);
        }
        mem::take(&mut crew.outcomes)
    }

    fn crew(&self) -> MutexGuard<'_, Crew> {
        self.crew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn scanned(&self, file: FileIndex) -> Result<&ScannedFile, HashError> {
        let files = &self.job.payload.files;
        files.get(file.as_usize()).ok_or(HashError::Worker)
    }
}

struct Seat<'a>(&'a Work);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.crew().active -= 1;
        self.0.somebody_left.notify_all();
    }
}

/// Claims chunks until none is left. A failure stops everybody.
fn claim_all(work: &Work) -> Outcome {
    let outcome = claim_each(work);
    if outcome.is_err() {
        work.stop.store(true, Ordering::Relaxed);
    }
    outcome
}

fn claim_each(work: &Work) -> Outcome {
    let mut hashed = Vec::new();
    let mut buffer = Vec::new();
    let mut open: Option<(FileIndex, Box<dyn DiskFile>)> = None;
    loop {
        if work.job.progress.is_cancelled() {
            return Err(HashError::Cancelled);
        }
        let claimed = work.next.fetch_add(1, Ordering::Relaxed);
        let next = work.wanted.get(claimed as usize);
        let Some(chunk) = next.and_then(|index| work.geometry.chunk(*index)) else {
            return Ok(hashed);
        };
        if work.stop.load(Ordering::Relaxed) {
            return Ok(hashed);
        }
        let scanned = work.scanned(chunk.file)?;
        let file = match open.take() {
            Some((index, file)) if index == chunk.file => file,
            Some(_) | None => {
                let place = work.job.game_root.join(&scanned.path);
                work.job.disk.open(&place, OpenMode::Read)?
            }
        };
        let value = hash_chunk(file.as_ref(), scanned, &chunk, &mut buffer)?;
        open = Some((chunk.file, file));
        hashed.push((chunk.index, value));
        work.job.progress.add(u64::from(chunk.bytes));
    }
}

/// One large read between two looks at the file.
fn hash_chunk(
    file: &dyn DiskFile,
    scanned: &ScannedFile,
    chunk: &Chunk,
    buffer: &mut Vec<u8>,
) -> Result<Hash, HashError> {
    check_unchanged(file, scanned)?;
    buffer.resize(chunk.bytes as usize, 0);
    file.read_exact_at(buffer, chunk.offset)?;
    check_unchanged(file, scanned)?;
    Ok(hash::chunk_value(chunk.place(), buffer))
}

fn check_unchanged(file: &dyn DiskFile, scanned: &ScannedFile) -> Result<(), HashError> {
    let now = file.stat()?;
    if now.bytes == scanned.bytes && now.identity == scanned.identity {
        Ok(())
    } else {
        Err(HashError::Changed(scanned.path.clone()))
    }
}

fn collect(work: &Work, values: &[Option<Hash>], log2: u8) -> Result<HashedPayload, HashError> {
    let payload = &work.job.payload;
    let mut files = Vec::with_capacity(payload.files.len());
    for (index, file) in (0..).map(FileIndex).zip(&payload.files) {
        let range = work.geometry.file_chunks(index);
        let own = values
            .get(range.start as usize..range.end as usize)
            .unwrap_or_default();
        let values: Vec<Hash> = own
            .iter()
            .copied()
            .collect::<Option<_>>()
            .ok_or(HashError::Worker)?;
        files.push(HashedFile {
            file: file.clone(),
            root: hash::file_root(&values),
            values,
        });
    }
    Ok(HashedPayload {
        files,
        empty_dirs: payload.empty_dirs.clone(),
        chunk_size_log2: log2,
    })
}

#[cfg(test)]
mod tests;
