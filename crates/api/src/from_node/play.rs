//! What is known of playing games, as the public types have it.

use lanspread_node::{
    play::{self, PlayError},
    snapshot,
};

use crate::{error::Report, types::play as public};

impl From<&play::PlayPlan> for public::PlayPlan {
    fn from(plan: &play::PlayPlan) -> Self {
        Self {
            hash: plan.hash.to_string(),
            trusted: plan.trusted,
            source: match plan.source {
                play::ProfileSource::Bundled => public::ProfileSource::Bundled,
                play::ProfileSource::OwnCatalog => public::ProfileSource::OwnCatalog,
                play::ProfileSource::Game => public::ProfileSource::Game,
            },
            program: (&plan.command).into(),
            setup: plan.setup.as_ref().map(Into::into),
            server: plan.server.as_ref().map(Into::into),
            settings: plan.settings.clone(),
        }
    }
}

impl From<&play::CommandView> for public::Program {
    fn from(command: &play::CommandView) -> Self {
        Self {
            path: command.program.display().to_string(),
            arguments: command.arguments.clone(),
            folder: command.folder.display().to_string(),
        }
    }
}

impl From<snapshot::PlayInfo> for public::Play {
    fn from(play: snapshot::PlayInfo) -> Self {
        Self {
            can_play: play.can_play,
            can_serve: play.can_serve,
            can_join: play.can_join,
            state: match play.state {
                snapshot::PlayState::Idle => public::PlayState::Idle,
                snapshot::PlayState::SettingUp => public::PlayState::SettingUp,
                snapshot::PlayState::Running => public::PlayState::Running,
            },
            serving: play.serving,
        }
    }
}

impl From<&snapshot::HostView> for public::Host {
    fn from(host: &snapshot::HostView) -> Self {
        Self {
            peer: host.peer.to_string(),
            port: host.port,
        }
    }
}

/// What is known of a game, if anything is.
pub(super) fn about(game: &snapshot::GameView) -> Option<public::About> {
    let cover = game.cover.map(|tag| cover_path(game.game.as_str(), tag));
    if game.about.is_none() && cover.is_none() {
        return None;
    }
    let known = game.about.as_ref();
    Some(public::About {
        description: known.and_then(|about| about.description.clone()),
        description_de: known.and_then(|about| about.description_de.clone()),
        genre: known.and_then(|about| about.genre).map(Into::into),
        players_max: known.and_then(|about| about.players_max),
        year: known.and_then(|about| about.year),
        licence: known.and_then(|about| about.licence.clone()),
        cover,
    })
}

/// The address of a picture, with a number that changes with it.
fn cover_path(game: &str, tag: u64) -> String {
    let mut path = String::from("/api/cover/");
    for byte in game.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path + &format!("?{tag:x}")
}

impl From<snapshot::Genre> for public::Genre {
    fn from(genre: snapshot::Genre) -> Self {
        match genre {
            snapshot::Genre::Shooter => Self::Shooter,
            snapshot::Genre::Strategy => Self::Strategy,
            snapshot::Genre::Racing => Self::Racing,
            snapshot::Genre::Sport => Self::Sport,
            snapshot::Genre::Arcade => Self::Arcade,
            snapshot::Genre::Puzzle => Self::Puzzle,
            snapshot::Genre::RolePlaying => Self::RolePlaying,
            snapshot::Genre::Simulation => Self::Simulation,
            snapshot::Genre::Sandbox => Self::Sandbox,
            snapshot::Genre::Board => Self::Board,
        }
    }
}

impl From<PlayError> for Report {
    fn from(error: PlayError) -> Self {
        if let PlayError::Operation(error) = error {
            return error.into();
        }
        Self::new(error.code(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_cover_is_one_path() {
        assert_eq!(cover_path("quake-3", 255), "/api/cover/quake-3?ff");
        assert_eq!(
            cover_path("a b?#/.ü", 0),
            "/api/cover/a%20b%3F%23%2F%2E%C3%BC?0"
        );
    }
}
