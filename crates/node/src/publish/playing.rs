//! What the snapshot says of playing a game.

use lanspread_disk::catalog::{CatalogEntry, CatalogSource};
use lanspread_install::launch::{Program, Template};
use lanspread_proto::{GameId, text::Title};
use lanspread_swarm::merged::MergedGame;

use super::Parts;
use crate::{
    play::{Role, SYSTEM, profile_of},
    snapshot::{AboutView, HostView, PlayInfo, PlayState},
    views::ProgramState,
};

impl Parts {
    /// The name for people. The catalog of this machine goes before what the game says itself, that
    /// before this program's catalog, that before a directory's name and what others say.
    pub(super) fn title(&self, game: &GameId, merged: Option<&MergedGame>) -> Title {
        let entry = self.play.catalog.game(game);
        let catalogued = |source| {
            let entry = entry.filter(|entry| entry.source == source);
            entry.and_then(|entry| entry.title.as_ref())
        };
        let here = self.shelf.games.get(game);
        let known = [
            catalogued(CatalogSource::Own),
            here.and_then(|here| here.own_title.as_ref()),
            catalogued(CatalogSource::Bundled),
            here.map(|here| &here.title),
            merged.map(|merged| &merged.title),
        ];
        let mut known = known.into_iter().flatten();
        let title = known.find(|title| !title.as_str().is_empty());
        title
            .cloned()
            .unwrap_or_else(|| Title::clean(game.as_str()))
    }

    pub(super) fn play(&self, game: &GameId) -> Option<PlayInfo> {
        let here = self.shelf.games.get(game);
        here.filter(|here| here.local.installed.is_some())?;
        let (profile, _) = profile_of(game, &self.play.catalog, here)?;
        let has_wine = self.operations.settings.wine.is_some();
        let can = |program: &Program| program.is_on(SYSTEM, has_wine);
        let state = match self.play.program(game, Role::Game) {
            None => PlayState::Idle,
            Some(ProgramState::Starting | ProgramState::SettingUp) => PlayState::SettingUp,
            Some(ProgramState::Running | ProgramState::Serving(_)) => PlayState::Running,
        };
        let join: &[Template] = &profile.join;
        Some(PlayInfo {
            can_play: can(&profile.play),
            can_serve: profile.server.as_ref().is_some_and(|s| can(&s.program)),
            can_join: can(&profile.play) && !join.is_empty(),
            state,
            serving: self.play.program(game, Role::Server).is_some(),
        })
    }

    pub(super) fn hosts(&self, game: &GameId) -> Vec<HostView> {
        let hosts = self.library.hosts.get(game).into_iter().flatten();
        hosts
            .map(|(peer, port)| HostView {
                peer: *peer,
                port: *port,
            })
            .collect()
    }

    pub(super) fn about(&self, game: &GameId) -> Option<AboutView> {
        self.play.catalog.game(game).map(about)
    }

    pub(super) fn cover(&self, game: &GameId) -> Option<u64> {
        let own = self.play.covers.get(game);
        let here = || self.shelf.games.get(game)?.cover.as_ref();
        own.or_else(here).map(|cover| cover.tag)
    }
}

fn about(entry: &CatalogEntry) -> AboutView {
    AboutView {
        description: entry.description.as_ref().map(ToString::to_string),
        description_de: entry.description_de.as_ref().map(ToString::to_string),
        genre: entry.genre,
        players_max: entry.players_max,
        year: entry.year,
        licence: entry.licence.as_ref().map(ToString::to_string),
    }
}
