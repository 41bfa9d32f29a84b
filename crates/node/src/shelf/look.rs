//! Looks at one game on disk, and hashes it if it was never hashed. Blocks; runs on a thread of its
//! own.
//!
//! Invariant: what an interrupted transaction left is brought to an end before anything is
//! believed.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lanspread_disk::{
    Disk, Place,
    catalog::{self, CoverAt},
    content::OpenContent,
    execute::{self, NoHooks, TransactionError},
    hashing::{HashError, HashJob, HashedFile, HashedPayload, Progress, Publication, hash_payload},
    index::{GameKey, Index, ManifestStore},
    intent_file::{self, RecordSlot},
    observe::{self, GamePlaces, LocalGame, Sentinel},
    partial,
    pool::Pool,
    scan::{self, Payload, settings},
    state::StateDir,
};
use lanspread_install::{Goal, InstallRecord, launch::Profile};
use lanspread_proto::{
    ChunkMap, ContentId, GameId, Manifest, VersionLabel, library::Size, manifest, text::Title,
};
use lanspread_unpack::WorkerCommand;

use super::{
    archives,
    entry::{ShareWish, Trust},
    migrating::Migration,
    refusal::{Refusal, not, not_recovered, unreadable},
};
use crate::{
    committing,
    download::Agreed,
    error::OperationError,
    limits,
    snapshot::{InstalledView, NotShared},
};

/// What a look needs.
#[derive(Clone)]
pub(super) struct Looker {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) state: StateDir,
    pub(super) index: Arc<Index>,
    pub(super) pool: Arc<Pool>,
    pub(super) worker: WorkerCommand,
}

/// One game to look at.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) game: GameId,
    /// Its directory's name as it is spelled on disk.
    pub(super) directory: String,
    pub(super) games: Place,
    /// Its files are known to be this content: it was just committed.
    pub(super) committed: Option<Agreed>,
    /// Its payload was taken away.
    pub(super) removed: bool,
    /// Whether somebody may still be copying into it.
    pub(super) trust: Trust,
    /// What was found wrong with it when it was read last.
    pub(super) refusal: Option<Refusal>,
}

/// What came of hashing a payload.
pub(crate) type Hashed = Result<Box<Known>, Box<Refusal>>;

/// What is there.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The directory is there.
    pub(super) present: bool,
    pub(super) title: Title,
    /// The title, if the game says it itself.
    pub(super) own_title: Option<Title>,
    pub(super) wish: ShareWish,
    /// How it is started, as it says itself.
    pub(super) profile: Option<Arc<Profile>>,
    /// Its own picture.
    pub(super) cover: Option<CoverAt>,
    pub(super) downloaded: Option<VersionLabel>,
    pub(super) installed: Option<InstalledView>,
    /// What a download put here, if it is of this version.
    pub(super) fetched: Option<ContentId>,
    pub(super) kept_bytes: u64,
    /// What an unfinished download left, at most.
    pub(super) partial_bytes: u64,
    pub(super) payload: PayloadState,
    /// Why no operation may touch the game: a record of ours cannot be read.
    pub(super) blocked: Option<OperationError>,
    /// What became of what the original LanSpread left.
    pub(super) migration: Migration,
}

/// How it stands with the payload.
#[derive(Debug)]
pub(crate) enum PayloadState {
    /// It can be served.
    Known(Known),
    /// It must be hashed first.
    Unhashed(Arc<Payload>),
    /// It cannot be shared.
    Not(NotShared),
}

/// A content that lies on disk, whole.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(super) agreed: Agreed,
    pub(super) open: Arc<OpenContent>,
    pub(super) unpacked: Option<Size>,
}

impl Known {
    pub(super) fn content(&self) -> ContentId {
        self.agreed.manifest.content()
    }
}

impl Subject {
    fn root(&self) -> Place {
        self.games.listed(&self.directory)
    }

    const fn key(&self) -> GameKey<'_> {
        GameKey {
            games: &self.games,
            directory: self.directory.as_str(),
        }
    }
}

impl Looker {
    /// Looks without hashing.
    pub(super) fn look(&self, subject: &Subject) -> Seen {
        let places = GamePlaces {
            game_root: subject.root(),
            state: self.state.games().listed(subject.game.as_str()),
        };
        let recovered = self.recover(&places);
        let committed = recovered.as_ref().ok().copied().flatten();
        let subject = &Subject {
            committed: (subject.committed.clone()).or_else(|| self.load(committed?)),
            ..subject.clone()
        };
        let migrated = recovered.and_then(|_committed| self.migrate(&places));
        let (wishes, refused) = match settings::read_settings(self.disk.as_ref(), &subject.root()) {
            Ok(wishes) => (wishes, None),
            Err(error) => (
                settings::GameSettings::default(),
                Some(not("settings", &error)),
            ),
        };
        let own_title = wishes.title.clone();
        let title = wishes
            .title
            .unwrap_or_else(|| Title::clean(&manifest::title_of(&subject.directory)));
        let there = self.disk.stat(&subject.root());
        let mut seen = Seen {
            present: matches!(there, Ok(Some(_))),
            title,
            own_title,
            profile: wishes.play.map(Arc::new),
            cover: catalog::find_cover(self.disk.as_ref(), &subject.root()).unwrap_or(None),
            wish: match wishes.share {
                Some(false) => ShareWish::Keep,
                Some(true) | None => ShareWish::Share,
            },
            downloaded: None,
            installed: None,
            fetched: None,
            kept_bytes: 0,
            partial_bytes: 0,
            payload: PayloadState::Not(NotShared::NoVersion),
            blocked: None,
            migration: Migration::default(),
        };
        let observed = || Ok::<_, TransactionError>(observe::observe(self.disk.as_ref(), &places)?);
        match migrated.and_then(|migration| Ok((migration, observed()?))) {
            Ok((migration, local)) => {
                seen.migration = migration;
                self.take_in(subject, &mut seen, &local);
                seen.blocked = self.unreadable_record(&places);
            }
            Err(error) => {
                seen.payload = PayloadState::Not(not_recovered(&error));
                seen.blocked = unreadable(&error);
            }
        }
        if let Some(refused) = refused {
            seen.payload = PayloadState::Not(refused);
        }
        seen
    }

    /// The record of what is installed is there, but nobody can say what it said.
    fn unreadable_record(&self, places: &GamePlaces) -> Option<OperationError> {
        let disk = self.disk.as_ref();
        let record = intent_file::read_record(disk, &places.state, RecordSlot::Current);
        unreadable(&record.err()?.into())
    }

    /// Brings an interrupted transaction to its end; the content, if that was its commit. Every
    /// byte of it was verified and durable before the commit began.
    fn recover(&self, places: &GamePlaces) -> Result<Option<ContentId>, TransactionError> {
        let manifests = self.state.manifests();
        let load = |content: &ContentId| {
            committing::load_manifest(self.disk.as_ref(), &manifests, *content)
        };
        let done = match execute::recover(self.disk.as_ref(), places, &load, &mut NoHooks) {
            // The game is whole, as it was before that operation.
            Err(error) if error.is_undone() => {
                tracing::warn!(place = %places.game_root, %error, "an operation was given up");
                return Ok(None);
            }
            done => done?,
        };
        if done != execute::Recovered::Nothing {
            tracing::info!(place = %places.game_root, ?done, "recovered an interrupted operation");
        }
        Ok(match done {
            execute::Recovered::Finished(Goal::CommitDownload { target, .. }) => {
                Some(target.content)
            }
            execute::Recovered::Finished(_)
            | execute::Recovered::Undone(_)
            | execute::Recovered::Nothing => None,
        })
    }

    fn take_in(&self, subject: &Subject, seen: &mut Seen, local: &LocalGame) {
        if local.incoming.is_some() {
            let left = partial::left_bytes(self.disk.as_ref(), &subject.root());
            // What cannot be listed is still there.
            seen.partial_bytes = left.unwrap_or(1).max(1);
        }
        seen.kept_bytes = local.kept.iter().map(|kept| kept.bytes).sum();
        let recorded = |record: &InstallRecord| {
            InstalledView::Version(record.version().clone(), record.content())
        };
        let installed = local.installed.as_ref();
        seen.installed = installed.map(|installed| match &installed.record {
            Some(record) => recorded(record),
            None => InstalledView::Unknown,
        });
        if seen.installed.is_some() && seen.profile.is_none() {
            seen.profile = self.installed_profile(&subject.root());
        }
        match &local.sentinel {
            Sentinel::Absent if subject.removed => {
                if let Err(error) = self.index.forget(subject.key()) {
                    tracing::warn!(%error, "a game that is gone cannot be forgotten");
                }
            }
            Sentinel::Absent => {}
            Sentinel::Unusable(error) => {
                seen.payload = PayloadState::Not(not("version-ini", error));
            }
            Sentinel::Version(version) => {
                seen.downloaded = Some(version.clone());
                seen.payload = self.look_at_payload(subject);
                seen.fetched = self.fetched(subject, seen, version);
            }
        }
    }

    /// A game whose payload was taken away may have brought its profile along.
    fn installed_profile(&self, root: &Place) -> Option<Arc<Profile>> {
        let wishes = settings::read_settings(self.disk.as_ref(), &root.own("local"));
        wishes.ok()?.play.map(Arc::new)
    }

    /// A person who put another version there means that one.
    fn fetched(&self, subject: &Subject, seen: &Seen, version: &VersionLabel) -> Option<ContentId> {
        let fetched = self.index.fetched(subject.key()).ok().flatten()?;
        if let PayloadState::Known(known) = &seen.payload
            && known.content() == fetched
        {
            return Some(fetched);
        }
        let place = self.state.manifests();
        let manifest = committing::load_manifest(self.disk.as_ref(), &place, fetched)?;
        (manifest.version() == version).then_some(fetched)
    }

    fn look_at_payload(&self, subject: &Subject) -> PayloadState {
        let payload = match scan::scan_payload(self.disk.as_ref(), &subject.root()) {
            Ok(payload) => Arc::new(payload),
            Err(error) => return PayloadState::Not(not("payload", &error)),
        };
        if let Some(agreed) = &subject.committed
            && let Some(known) = self.known(subject, agreed.clone(), &payload)
        {
            self.remember(subject, &known.agreed, &payload);
            return PayloadState::Known(known);
        }
        match self.index.current(subject.key(), &payload) {
            Ok(Some(content)) => {
                if let Some(agreed) = self.load(content)
                    && let Some(known) = self.known(subject, agreed, &payload)
                {
                    return PayloadState::Known(known);
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the index cannot be asked"),
        }
        // An archive is read to its end to be refused; once is enough.
        if subject.trust == Trust::MaySettle
            && let Some(refusal) = &subject.refusal
            && refusal.is_of(&payload)
        {
            return PayloadState::Not(refusal.why.clone());
        }
        if subject.trust == Trust::MaySettle && changed_lately(&payload) {
            return PayloadState::Not(NotShared::Settling);
        }
        PayloadState::Unhashed(payload)
    }

    fn load(&self, content: ContentId) -> Option<Agreed> {
        let place = self.state.manifests();
        let (manifest, chunk_map) = ManifestStore::new(self.disk.as_ref(), &place)
            .load(content)
            .ok()
            .flatten()?;
        Some(Agreed {
            manifest: Arc::new(manifest),
            chunk_map: Arc::new(chunk_map),
        })
    }

    fn known(&self, subject: &Subject, agreed: Agreed, payload: &Payload) -> Option<Known> {
        let open = OpenContent::new(
            Arc::clone(&self.disk),
            subject.root(),
            Arc::clone(&agreed.manifest),
            payload,
        )?;
        let unpacked = self
            .index
            .unpacked(agreed.manifest.content())
            .ok()
            .flatten();
        Some(Known {
            agreed,
            open: Arc::new(open),
            unpacked,
        })
    }

    /// Hashes a payload and makes it a content.
    pub(super) fn hash(
        &self,
        subject: &Subject,
        payload: &Arc<Payload>,
        progress: &Arc<Progress>,
    ) -> Hashed {
        let hashed = self.hash_and_list(subject, payload, progress);
        hashed
            .map(Box::new)
            .map_err(|why| Box::new(Refusal::new(why, payload)))
    }

    fn hash_and_list(
        &self,
        subject: &Subject,
        payload: &Arc<Payload>,
        progress: &Arc<Progress>,
    ) -> Result<Known, NotShared> {
        let version = match scan::read_sentinel(self.disk.as_ref(), &subject.root()) {
            scan::Sentinel::Label(version) => version,
            scan::Sentinel::Missing => return Err(NotShared::NoVersion),
            scan::Sentinel::Malformed(error) => return Err(not("version-ini", &error)),
            scan::Sentinel::Unreadable(error) => return Err(not("disk", &error)),
        };
        let listed =
            archives::decide((self.disk.as_ref(), &self.worker), &subject.root(), payload)?;
        let job = HashJob {
            disk: Arc::clone(&self.disk),
            game_root: subject.root(),
            payload: Arc::clone(payload),
            progress: Arc::clone(progress),
        };
        let known = self.index.known_files(subject.key()).ok();
        let values = |file: &scan::ScannedFile, log2| known.as_ref()?.values(file, log2);
        let hashed = match hash_payload(&job, &self.pool, values) {
            Ok(hashed) => hashed,
            Err(HashError::Changed(_) | HashError::Cancelled) => return Err(NotShared::Settling),
            Err(error) => return Err(not("disk", &error)),
        };
        let layout = listed.layout;
        let publication = Publication {
            game: subject.game.clone(),
            version,
            layout,
        };
        let (manifest, chunk_map) = hashed
            .publish(publication)
            .map_err(|error| not("payload", &error))?;
        let agreed = Agreed {
            manifest: Arc::new(manifest),
            chunk_map: Arc::new(chunk_map),
        };
        self.save(&agreed);
        if let Some(size) = listed.unpacked
            && let Err(error) = self
                .index
                .remember_unpacked(agreed.manifest.content(), size)
        {
            tracing::warn!(%error, "an unpacked size cannot be remembered");
        }
        let content = agreed.manifest.content();
        let mut remembered = self
            .index
            .remember(subject.key(), &hashed, payload, content);
        if subject.trust == Trust::Settled {
            // It is as a person wants it, whatever was downloaded before.
            remembered = remembered.and(self.index.remember_fetched(subject.key(), None));
        }
        if let Err(error) = remembered {
            tracing::warn!(%error, "hashes cannot be remembered");
        }
        self.known(subject, agreed, payload)
            .ok_or(NotShared::Settling)
    }

    fn save(&self, agreed: &Agreed) {
        let place = self.state.manifests();
        let store = ManifestStore::new(self.disk.as_ref(), &place);
        if let Err(error) = store.save(&agreed.manifest, &agreed.chunk_map) {
            tracing::warn!(%error, "a manifest cannot be kept; it will be made again");
        }
    }

    /// A committed download needs no hashing: every piece was verified on its way in.
    fn remember(&self, subject: &Subject, agreed: &Agreed, payload: &Payload) {
        let hashed = hashed_of(&agreed.manifest, &agreed.chunk_map, payload);
        let content = agreed.manifest.content();
        let remembered = self
            .index
            .remember(subject.key(), &hashed, payload, content)
            .and_then(|()| self.index.remember_fetched(subject.key(), Some(content)));
        if let Err(error) = remembered {
            tracing::warn!(%error, "hashes cannot be remembered");
        }
    }
}

fn hashed_of(manifest: &Manifest, chunk_map: &ChunkMap, payload: &Payload) -> HashedPayload {
    let geometry = manifest.geometry();
    let entries = (0..)
        .map(lanspread_proto::FileIndex)
        .zip(manifest.files())
        .zip(&payload.files);
    let files = entries.map(|((index, entry), file)| {
        let range = geometry.file_chunks(index);
        let values = chunk_map
            .values()
            .get(range.start as usize..range.end as usize);
        HashedFile {
            file: file.clone(),
            root: entry.root,
            values: values.unwrap_or_default().to_vec(),
        }
    });
    HashedPayload {
        files: files.collect(),
        empty_dirs: payload.empty_dirs.clone(),
        chunk_size_log2: manifest::chunk_size_log2(payload.bytes),
    }
}

fn changed_lately(payload: &Payload) -> bool {
    let nanos = u128::try_from(payload.newest_change_nanos).unwrap_or(0);
    let change = UNIX_EPOCH + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    // A change that seems to come from the future is an old one with a wrong clock.
    SystemTime::now()
        .duration_since(change)
        .is_ok_and(|age| age < limits::SETTLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_entry_once() {
        let check = |code, text: &str, expected: (&str, &str)| {
            let NotShared::Refused { entry, reason, .. } = not(code, &text) else {
                panic!("{code}");
            };
            assert_eq!((entry.as_str(), reason.as_str()), expected);
        };
        check(
            "payload",
            "a/b.txt: it is a link",
            ("a/b.txt", "it is a link"),
        );
        check("payload", "over a limit", ("the folder", "over a limit"));
        check(
            "version-ini",
            "it is empty: 0",
            ("version.ini", "it is empty: 0"),
        );
        let settings = ("lanspread.toml", "no TOML: x");
        check("settings", "lanspread.toml: no TOML: x", settings);
    }
}
