//! One game on the shelf: what was seen of it, and what others are told.

use std::sync::Arc;

use lanspread_disk::{
    Place,
    catalog::CoverAt,
    content::{OpenContent, PieceSource},
};
use lanspread_install::launch::Profile;
use lanspread_proto::{
    ContentId, GameId, Manifest, PieceSet,
    library::{Availability, LibraryEntry, Size},
    text::Title,
    wire::Extensions,
};

use super::{
    ShelfPorts,
    look::{Known, Subject},
    migrating::Migration,
    refusal::Refusal,
};
use crate::{
    actor::Reply,
    download::Agreed,
    error::OperationError,
    exchange::Served,
    library::OwnGames,
    notice::Notice,
    snapshot::{InstalledView, LocalView, NotShared, Problem},
    views::ShelfGame,
};

/// One game.
pub(super) struct Entry {
    pub(super) directory: String,
    pub(super) title: Title,
    /// The title, if the game says it itself.
    pub(super) own_title: Option<Title>,
    /// How it is started, as it says itself.
    pub(super) profile: Option<Arc<Profile>>,
    /// Its own picture.
    pub(super) cover: Option<CoverAt>,
    /// As `lanspread.toml` says.
    pub(super) wish: ShareWish,
    pub(super) holds: u32,
    /// Holds that wait until a look ends.
    pub(super) waiting: Vec<Reply<()>>,
    /// Who let go of it and waits until it was looked at.
    pub(super) settling: Vec<Reply<()>>,
    pub(super) look: Look,
    pub(super) trust: Trust,
    pub(super) committed: Option<Agreed>,
    /// Its payload was taken away since it was looked at.
    pub(super) removed: bool,
    /// The disk gave wrong bytes for this content; it is not served until it is hashed again.
    pub(super) rotten: Option<Known>,
    /// The content that a download put here, if its version is still what the game says.
    pub(super) fetched: Option<ContentId>,
    pub(super) seen: LocalView,
    pub(super) known: Option<Known>,
    /// Why no operation may touch it.
    pub(super) blocked: Option<OperationError>,
    /// What became of what the original LanSpread left in it.
    pub(super) migration: Migration,
    pub(super) downloading: Option<Arc<Manifest>>,
    /// What was found wrong with it when it was read last.
    pub(super) refusal: Option<Refusal>,
}

/// What `lanspread.toml` says about sharing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShareWish {
    /// Share it, which is the default.
    Share,
    /// Do not.
    Keep,
}

/// How far a look at a game is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing changed since.
    Done,
    /// It changed while it was held.
    Wanted,
    /// Under way.
    Running,
    /// Under way, and it changed meanwhile.
    RunningStale,
}

/// Whether somebody may still be copying into a folder that changed a moment ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It must be left alone for a while first.
    MaySettle,
    /// A person just said that it is complete.
    Settled,
}

impl Look {
    pub(super) const fn is_running(self) -> bool {
        matches!(self, Self::Running | Self::RunningStale)
    }

    /// Something changed; `true` when a look should start now.
    pub(super) fn stale(&mut self, held: bool) -> bool {
        match *self {
            Self::Running | Self::RunningStale => *self = Self::RunningStale,
            Self::Done | Self::Wanted if held => *self = Self::Wanted,
            Self::Done | Self::Wanted => return true,
        }
        false
    }

    /// A look ended; `true` when another should follow.
    pub(super) fn end(&mut self) -> bool {
        std::mem::replace(self, Self::Done) == Self::RunningStale
    }
}

impl Entry {
    pub(super) fn new(directory: String) -> Self {
        Self {
            title: Title::clean(&lanspread_proto::manifest::title_of(&directory)),
            directory,
            own_title: None,
            profile: None,
            cover: None,
            wish: ShareWish::Share,
            holds: 0,
            waiting: Vec::new(),
            settling: Vec::new(),
            look: Look::Done,
            trust: Trust::MaySettle,
            committed: None,
            removed: false,
            rotten: None,
            fetched: None,
            seen: LocalView::default(),
            known: None,
            blocked: None,
            migration: Migration::default(),
            downloading: None,
            refusal: None,
        }
    }

    /// An operation works on it, or is about to.
    pub(super) const fn is_held(&self) -> bool {
        self.holds > 0 || !self.waiting.is_empty()
    }

    pub(super) fn subject(&self, game: &GameId, games: Place) -> Subject {
        Subject {
            game: game.clone(),
            directory: self.directory.clone(),
            games,
            committed: self.committed.clone(),
            removed: self.removed,
            trust: self.trust,
            refusal: self.refusal.clone(),
        }
    }

    /// From now on this is what is known.
    pub(super) fn take(&mut self, ports: &ShelfPorts, known: Option<Known>) {
        let before = self.content();
        self.known = known;
        if before != self.content() {
            // Nobody may be listening.
            drop(ports.notices.send(Notice::LocalLibraryChanged));
        }
    }

    /// What is known to lie here, whole.
    pub(super) fn content(&self) -> Option<ContentId> {
        self.known.as_ref().map(Known::content)
    }

    pub(super) fn availability(&self) -> Option<Availability> {
        match (&self.known, &self.downloading, &self.seen.installed) {
            (Some(_), _, _) => Some(Availability::Ready),
            (None, Some(_), _) => Some(Availability::Partial),
            (None, None, Some(InstalledView::Version(..))) if self.seen.downloaded.is_none() => {
                Some(Availability::LocalOnly)
            }
            (None, None, _) => None,
        }
    }

    /// Adds what is here, for others to know or for us alone.
    pub(super) fn list(&self, game: &GameId, shared: bool, own: &mut OwnGames) {
        if self.known.is_none()
            && let Some(version) = &self.seen.downloaded
        {
            own.unknown.push((game.clone(), version.clone()));
        }
        let offered = if shared {
            &mut own.offered
        } else {
            &mut own.private
        };
        let entry = |content, version, availability, payload, unpacked| LibraryEntry {
            game: game.clone(),
            content,
            version,
            title: self.title.clone(),
            availability,
            payload,
            unpacked,
            extensions: Extensions::default(),
        };
        if let Some(known) = &self.known {
            let manifest = &known.agreed.manifest;
            let (content, version) = (manifest.content(), manifest.version().clone());
            let size = manifest.size();
            offered.push(entry(
                content,
                version,
                Availability::Ready,
                size,
                known.unpacked,
            ));
        }
        if let Some(manifest) = &self.downloading {
            let (content, version) = (manifest.content(), manifest.version().clone());
            offered.push(entry(
                content,
                version,
                Availability::Partial,
                manifest.size(),
                None,
            ));
        }
        if let (Some(InstalledView::Version(version, content)), Some(Availability::LocalOnly)) =
            (&self.seen.installed, self.availability())
        {
            let (version, nothing) = (version.clone(), Size::default());
            offered.push(entry(
                *content,
                version,
                Availability::LocalOnly,
                nothing,
                None,
            ));
        }
    }

    /// What a person must look at before anything can be done with it, and what was done for them.
    pub(super) fn problems(&self, game: &GameId) -> Vec<Problem> {
        let mut problems = self.migration.problems();
        problems.extend(self.blocked.as_ref().map(|error| Problem {
            code: error.code(),
            subject: game.to_string(),
            message: error.to_string(),
        }));
        problems
    }

    pub(super) fn view(&self, off: bool, root: Place) -> ShelfGame {
        let mut local = self.seen.clone();
        local.content = self.content();
        local.availability = self.availability();
        if off && local.not_shared.is_none() {
            local.not_shared = Some(NotShared::SwitchedOff);
        }
        let manifest = self
            .known
            .as_ref()
            .map(|known| Arc::clone(&known.agreed.manifest));
        ShelfGame {
            title: self.title.clone(),
            local,
            root,
            manifest,
            blocked: self.blocked.clone(),
            unpacked: self.known.as_ref().and_then(|known| known.unpacked),
            profile: self.profile.clone(),
            cover: self.cover.clone(),
            own_title: self.own_title.clone(),
        }
    }

    pub(super) fn served(&self, game: &GameId) -> Option<Served> {
        let known = self.known.as_ref()?;
        let manifest = Arc::clone(&known.agreed.manifest);
        let source: Arc<dyn PieceSource> = Arc::<OpenContent>::clone(&known.open);
        Some(Served {
            game: game.clone(),
            have: PieceSet::full(manifest.geometry().piece_count()),
            chunk_map: Arc::clone(&known.agreed.chunk_map),
            manifest,
            source,
        })
    }
}
