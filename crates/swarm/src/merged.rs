//! [`Merged`]: one library out of ours and our peers', and the rule which content `get` takes.
//!
//! Invariant: contents are never mixed; equal labels with other bytes are shown as a conflict.

#[cfg(test)]
mod tests;
mod told;

use alloc::{collections::BTreeMap, vec::Vec};
use core::cmp::Ordering;

use lanspread_proto::{
    ContentId, GameId, VersionLabel,
    library::{Availability, LibraryEntry, Size},
    text::Title,
};

use told::Told;

/// All games anybody has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    games: BTreeMap<GameId, MergedGame>,
}

/// One game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedGame {
    /// Which.
    pub game: GameId,
    /// The name of the newest version, for people.
    pub title: Title,
    /// All contents: newest label first, of one label the most held first.
    pub contents: Vec<MergedContent>,
    /// Somebody serves a greater label than the newest that we have.
    pub update_available: bool,
    /// The newest label that lies here without being known as a content: it is not hashed yet, or
    /// cannot be.
    unknown_own: Option<VersionLabel>,
}

/// One content of a game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedContent {
    /// Which bytes.
    pub content: ContentId,
    /// What its `version.ini` calls it.
    pub version: VersionLabel,
    /// The name for people.
    pub title: Title,
    /// Bytes and files of the payload: as we know it, else as most peers say.
    pub payload: Size,
    /// Bytes and entries when unpacked; a hint: as we know it, else as most peers say, and then
    /// within bounds unless all say so.
    pub unpacked: Option<Size>,
    /// What we have of it.
    pub own: Option<Availability>,
    /// How many peers have it; we do not count.
    pub peers: Holders,
    /// Another content has an equal label.
    pub conflict: bool,
}

/// How many peers have a content, by what they can do with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holders {
    /// Complete sources.
    pub ready: u32,
    /// Sources of a part.
    pub partial: u32,
    /// Not sources.
    pub local_only: u32,
}

impl Holders {
    /// All who have it in some way.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.ready + self.partial + self.local_only
    }

    /// All who serve something of it.
    #[must_use]
    pub const fn source_count(&self) -> u32 {
        self.ready + self.partial
    }

    const fn add(&mut self, availability: Availability) {
        match availability {
            Availability::Ready => self.ready += 1,
            Availability::Partial => self.partial += 1,
            Availability::LocalOnly => self.local_only += 1,
        }
    }
}

/// What `get` takes, or may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Which bytes.
    pub content: ContentId,
    /// Their label.
    pub version: VersionLabel,
    /// Bytes and files to fetch.
    pub payload: Size,
    /// Bytes and entries when unpacked; a hint.
    pub unpacked: Option<Size>,
    /// Who has it.
    pub holders: Holders,
    /// All peers that have a content of this label: "n of m peers agree".
    pub label_holder_count: u32,
    /// We have it in some way.
    pub own: Option<Availability>,
}

/// Why `get` takes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// Nobody has the game.
    #[error("nobody has this game")]
    UnknownGame,
    /// Nobody has the content that was asked for.
    #[error("nobody has this content of the game")]
    UnknownContent,
    /// No peer has all of what would be taken; the choices are what there is of it.
    #[error("no peer has all of this version now")]
    NoReadyPeer(Vec<Choice>),
    /// It is all here already.
    #[error("this version is here already")]
    AlreadyHere,
    /// Ours is newer than what the peers have; an older one is only taken when asked for.
    #[error("the version here is newer than what the peers have")]
    OwnIsNewer,
    /// The newest label names several contents, and a person must choose.
    #[error("several contents are called by the same version")]
    Ambiguous(Vec<Choice>),
}

impl Merged {
    /// Merges what is here, offered to others or not, with the entries of each peer. `labels` are
    /// of what is here but not known as a content.
    pub fn new<'a, Own, Labels, Peers, Peer>(own: Own, labels: Labels, peers: Peers) -> Self
    where
        Own: IntoIterator<Item = &'a LibraryEntry>,
        Labels: IntoIterator<Item = &'a (GameId, VersionLabel)>,
        Peers: IntoIterator<Item = Peer>,
        Peer: IntoIterator<Item = &'a LibraryEntry>,
    {
        let mut drafts = Drafts::new();
        for entry in own {
            let draft = draft(&mut drafts, entry);
            draft.own = Some(entry.availability);
            draft.told.hear_own(entry);
        }
        for entry in peers.into_iter().flatten() {
            let draft = draft(&mut drafts, entry);
            draft.peers.add(entry.availability);
            draft.told.hear(entry);
        }
        let finish = |(game, contents): (&GameId, BTreeMap<ContentId, Draft<'_>>)| {
            let contents = contents.into_values().map(Draft::finish).collect();
            let merged = MergedGame::new(game.clone(), contents)?;
            Some((game.clone(), merged))
        };
        let mut games: BTreeMap<_, _> = drafts.into_iter().filter_map(finish).collect();
        for (game, label) in labels {
            if let Some(game) = games.get_mut(game) {
                game.add_unknown(label);
            }
        }
        Self { games }
    }

    /// All games by id.
    pub fn games(&self) -> impl Iterator<Item = &MergedGame> {
        self.games.values()
    }

    /// One game.
    #[must_use]
    pub fn game(&self, game: &GameId) -> Option<&MergedGame> {
        self.games.get(game)
    }

    /// Which content `get` takes: the wanted one, else of the newest label the one with most ready
    /// peers.
    ///
    /// # Errors
    /// Nothing can be taken, nothing needs to, or a person must choose.
    pub fn choose(&self, game: &GameId, wanted: Option<ContentId>) -> Result<Choice, ChooseError> {
        let game = self.games.get(game).ok_or(ChooseError::UnknownGame)?;
        match wanted {
            Some(content) => game.choose_wanted(content),
            None => game.choose_newest(),
        }
    }
}

type Drafts<'a> = BTreeMap<&'a GameId, BTreeMap<ContentId, Draft<'a>>>;

/// A content of which not everybody was heard.
#[derive(Debug)]
struct Draft<'a> {
    first: &'a LibraryEntry,
    own: Option<Availability>,
    peers: Holders,
    told: Told<'a>,
}

fn draft<'a, 'b>(drafts: &'b mut Drafts<'a>, entry: &'a LibraryEntry) -> &'b mut Draft<'a> {
    let contents = drafts.entry(&entry.game).or_default();
    contents.entry(entry.content).or_insert_with(|| Draft {
        first: entry,
        own: None,
        peers: Holders::default(),
        told: Told::default(),
    })
}

impl Draft<'_> {
    fn finish(self) -> MergedContent {
        let title = self.told.title().unwrap_or(&self.first.title);
        MergedContent {
            content: self.first.content,
            version: self.first.version.clone(),
            title: title.clone(),
            payload: self.told.payload(),
            unpacked: self.told.unpacked(),
            own: self.own,
            peers: self.peers,
            conflict: false,
        }
    }
}

impl MergedGame {
    /// `None` without contents.
    fn new(game: GameId, mut contents: Vec<MergedContent>) -> Option<Self> {
        contents.sort_by(newest_then_most_held);
        mark_conflicts(&mut contents);
        let title = contents.first()?.title.clone();
        let mut merged = Self {
            game,
            title,
            contents,
            update_available: false,
            unknown_own: None,
        };
        merged.update_available = merged.has_update();
        Some(merged)
    }

    fn add_unknown(&mut self, label: &VersionLabel) {
        let known = self.unknown_own.as_ref();
        if known.is_none_or(|known| label.order(known).is_gt()) {
            self.unknown_own = Some(label.clone());
            self.update_available = self.has_update();
        }
    }

    /// Two contents have equal labels.
    #[must_use]
    pub fn has_conflict(&self) -> bool {
        self.contents.iter().any(|content| content.conflict)
    }

    /// The newest label that somebody serves.
    #[must_use]
    pub fn newest_served(&self) -> Option<&VersionLabel> {
        let served = |content: &&MergedContent| content.peers.source_count() > 0;
        self.contents.iter().find(served).map(|c| &c.version)
    }

    /// The newest label that we have, downloaded or installed.
    #[must_use]
    pub fn newest_own(&self) -> Option<&VersionLabel> {
        let here = |content: &&MergedContent| {
            matches!(
                content.own,
                Some(Availability::Ready | Availability::LocalOnly)
            )
        };
        let known = self.contents.iter().find(here).map(|c| &c.version);
        match (known, self.unknown_own.as_ref()) {
            (Some(known), Some(unknown)) if unknown.order(known).is_gt() => Some(unknown),
            (known, unknown) => known.or(unknown),
        }
    }

    fn has_update(&self) -> bool {
        match (self.newest_own(), self.newest_served()) {
            (Some(own), Some(served)) => served.order(own).is_gt(),
            (Some(_) | None, _) => false,
        }
    }

    fn choose_wanted(&self, wanted: ContentId) -> Result<Choice, ChooseError> {
        let mut all = self.contents.iter();
        let content = all
            .find(|content| content.content == wanted)
            .ok_or(ChooseError::UnknownContent)?;
        if content.own == Some(Availability::Ready) {
            return Err(ChooseError::AlreadyHere);
        }
        let choice = self.choice(content);
        if content.peers.ready == 0 {
            return Err(ChooseError::NoReadyPeer(Vec::from([choice])));
        }
        Ok(choice)
    }

    fn choose_newest(&self) -> Result<Choice, ChooseError> {
        let label = match (self.newest_served(), self.newest_own()) {
            (None, None) => return Err(ChooseError::NoReadyPeer(Vec::new())),
            (None, Some(_)) => return Err(self.nothing_newer()),
            (Some(served), Some(own)) if own.order(served).is_gt() => {
                return Err(self.nothing_newer());
            }
            (Some(served), _) => served,
        };
        let rivals: Vec<&MergedContent> = self.of_label(label).collect();
        let choices = || rivals.iter().map(|content| self.choice(content)).collect();
        let most_ready = rivals.iter().map(|content| content.peers.ready).max();
        let most_ready = most_ready.unwrap_or(0);
        let mut best = rivals
            .iter()
            .filter(|content| content.peers.ready == most_ready);
        let (Some(winner), None) = (best.next(), best.next()) else {
            return Err(match most_ready {
                0 => ChooseError::NoReadyPeer(choices()),
                _ => ChooseError::Ambiguous(choices()),
            });
        };
        let doubtful = rivals
            .iter()
            .filter(|rival| rival.content != winner.content)
            .any(|rival| self.is_serious(rival));
        if doubtful {
            return Err(ChooseError::Ambiguous(choices()));
        }
        if winner.own == Some(Availability::Ready) {
            return Err(ChooseError::AlreadyHere);
        }
        if winner.peers.ready == 0 {
            return Err(ChooseError::NoReadyPeer(choices()));
        }
        Ok(self.choice(winner))
    }

    /// We have the newest label: whole, or only installed while no peer serves it.
    fn nothing_newer(&self) -> ChooseError {
        match self.newest_served() {
            Some(_) => ChooseError::OwnIsNewer,
            None if self.is_whole_here() => ChooseError::AlreadyHere,
            None => ChooseError::NoReadyPeer(Vec::new()),
        }
    }

    fn is_whole_here(&self) -> bool {
        let newest = self.newest_own();
        newest.is_some_and(|label| {
            let mut same = self.of_label(label);
            same.any(|content| content.own == Some(Availability::Ready))
        })
    }

    /// A rival that asks for a person: a third of the peers hold it, or we have it ourselves.
    fn is_serious(&self, rival: &MergedContent) -> bool {
        let ours = matches!(
            rival.own,
            Some(Availability::Ready | Availability::LocalOnly)
        );
        let holders = u64::from(rival.peers.count());
        ours || (holders > 0 && holders * 3 >= u64::from(self.label_holder_count(&rival.version)))
    }

    fn of_label<'a>(&'a self, label: &'a VersionLabel) -> impl Iterator<Item = &'a MergedContent> {
        self.contents
            .iter()
            .filter(|content| content.version.order(label).is_eq())
    }

    fn label_holder_count(&self, label: &VersionLabel) -> u32 {
        self.of_label(label)
            .map(|content| content.peers.count())
            .sum()
    }

    fn choice(&self, content: &MergedContent) -> Choice {
        Choice {
            content: content.content,
            version: content.version.clone(),
            payload: content.payload,
            unpacked: content.unpacked,
            holders: content.peers,
            label_holder_count: self.label_holder_count(&content.version),
            own: content.own,
        }
    }
}

fn newest_then_most_held(a: &MergedContent, b: &MergedContent) -> Ordering {
    let held = |c: &MergedContent| (c.peers.ready, c.peers.count());
    b.version
        .order(&a.version)
        .then_with(|| held(b).cmp(&held(a)))
        .then_with(|| a.content.cmp(&b.content))
}

/// The contents are sorted by label, so rivals are neighbours.
fn mark_conflicts(contents: &mut [MergedContent]) {
    let labels: Vec<VersionLabel> = contents.iter().map(|c| c.version.clone()).collect();
    for (content, i) in contents.iter_mut().zip(0_usize..) {
        let rival = |j: Option<usize>| {
            j.and_then(|j| labels.get(j))
                .is_some_and(|label| label.order(&content.version).is_eq())
        };
        content.conflict = rival(i.checked_sub(1)) || rival(i.checked_add(1));
    }
}
