//! [`Case`]: one start as the views show it: which profile, whose, with which values. Nothing is
//! read or started here.

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use lanspread_disk::{
    Place,
    catalog::{Catalog, CatalogSource},
};
use lanspread_install::launch::{
    CommandLine, PlayerName, Profile, Program, Runner, Setup, System, Values,
};
use lanspread_proto::{GameId, Hash};

use super::{CommandView, Join, PlayError, PlayRequest, ProfileSource, Role};
use crate::{
    error::OperationError,
    snapshot::PeerState,
    views::{PeersView, ShelfGame},
};

/// The system that this program runs on.
pub(crate) const SYSTEM: System = if cfg!(windows) {
    System::Windows
} else if cfg!(target_os = "macos") {
    System::MacOs
} else {
    System::Linux
};

/// What asks for the rights of an administrator, in front of a program. Windows asks by itself.
const ELEVATE: &str = "pkexec";

/// What a case is made of.
pub(super) struct Known<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) here: Option<&'a ShelfGame>,
    pub(super) peers: &'a PeersView,
    pub(super) wine: Option<PathBuf>,
    pub(super) game_state: Place,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) game: GameId,
    pub(super) role: Role,
    pub(super) profile: Arc<Profile>,
    pub(super) source: ProfileSource,
    pub(super) hash: Hash,
    pub(super) values: Values,
    /// The installed game.
    pub(super) local: Place,
    /// Its directory in the state directory.
    pub(super) game_state: Place,
    line: CommandLine,
    wine: Option<PathBuf>,
}

/// A command, and the file in `local/` that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) view: CommandView,
    pub(super) line: CommandLine,
    /// What Proton is told besides.
    pub(super) environment: Vec<(&'static str, PathBuf)>,
}

/// How a game is started, and who says so. The file of this machine goes before the game, and the
/// game before this program.
pub(crate) fn profile_of(
    game: &GameId,
    catalog: &Catalog,
    here: Option<&ShelfGame>,
) -> Option<(Arc<Profile>, ProfileSource)> {
    let entry = catalog.game(game);
    let catalogued = |source| {
        let entry = entry.filter(|entry| entry.source == source)?;
        entry.play.clone().map(Arc::new)
    };
    if let Some(own) = catalogued(CatalogSource::Own) {
        return Some((own, ProfileSource::OwnCatalog));
    }
    if let Some(own) = here.and_then(|here| here.profile.clone()) {
        return Some((own, ProfileSource::Game));
    }
    let bundled = catalogued(CatalogSource::Bundled)?;
    Some((bundled, ProfileSource::Bundled))
}

impl Case {
    pub(super) fn of(request: &PlayRequest, known: Known<'_>) -> Result<Self, PlayError> {
        let game = request.game.clone();
        let installed = known.here.filter(|here| here.local.installed.is_some());
        let Some(here) = installed else {
            return Err(OperationError::NotInstalled(game).into());
        };
        if let Some(error) = &here.blocked {
            return Err(error.clone().into());
        }
        let Some((profile, source)) = profile_of(&game, known.catalog, known.here) else {
            return Err(PlayError::NoProfile(game));
        };
        let host = request
            .join
            .map(|join| host(join, known.peers))
            .transpose()?;
        if host.is_some() && profile.join.is_empty() {
            return Err(PlayError::NoJoin(game));
        }
        let values = Values {
            player: PlayerName::clean(known.peers.name.as_str()),
            language: request.language.clone(),
            host,
        };
        let (program, line) = match (request.role, &profile.server) {
            (Role::Server, None) => return Err(PlayError::NoServer(game)),
            (Role::Server, Some(server)) => {
                let line = server.program.on(SYSTEM, known.wine.is_some(), &values);
                (&server.program, line)
            }
            (Role::Game, _) => {
                let line = profile.play_on(SYSTEM, known.wine.is_some(), &values);
                (&profile.play, line)
            }
        };
        let line = line.ok_or_else(|| cannot(&game, program))?;
        Ok(Self {
            hash: profile.hash(&game),
            role: request.role,
            local: here.root.own("local"),
            game_state: known.game_state,
            wine: known.wine,
            game,
            profile,
            source,
            values,
            line,
        })
    }

    /// Nobody need be asked, whatever was agreed to.
    pub(super) fn is_trusted(&self) -> bool {
        self.source != ProfileSource::Game
    }

    /// The program that was asked for.
    pub(super) fn command(&self) -> Ready {
        self.ready(self.line.clone())
    }

    /// The set-up, where this system has one.
    pub(super) fn setup(&self) -> Option<(Setup, Ready)> {
        let setup = self.profile.setup.clone()?;
        let line = self.on_this_system(&setup.program)?;
        let mut ready = self.ready(line);
        if setup.administrator && cfg!(unix) {
            let program = std::mem::replace(&mut ready.view.program, PathBuf::from(ELEVATE));
            let program = program.to_string_lossy().into_owned();
            ready.view.arguments.insert(0, program);
        }
        Some((setup, ready))
    }

    /// The server, where this system has one.
    pub(super) fn server(&self) -> Option<Ready> {
        let server = self.profile.server.as_ref()?;
        Some(self.ready(self.on_this_system(&server.program)?))
    }

    fn on_this_system(&self, program: &Program) -> Option<CommandLine> {
        program.on(SYSTEM, self.wine.is_some(), &self.values)
    }

    fn ready(&self, line: CommandLine) -> Ready {
        let file = self.local.join(&line.file).path();
        let folder = match &line.folder {
            Some(folder) => self.local.join(folder).path(),
            None => self.local.path(),
        };
        let mut view = CommandView {
            program: file,
            arguments: line.arguments.clone(),
            folder,
        };
        let mut environment = Vec::new();
        if let (Runner::Wine, Some(wine)) = (line.runner, &self.wine) {
            let file = std::mem::replace(&mut view.program, wine.clone());
            view.arguments
                .insert(0, file.to_string_lossy().into_owned());
            if is_proton(wine) {
                view.arguments.insert(0, "run".to_owned());
                let prefix = self.game_state.own("proton").path();
                environment.push(("STEAM_COMPAT_DATA_PATH", prefix.clone()));
                environment.push(("STEAM_COMPAT_CLIENT_INSTALL_PATH", prefix));
            }
        }
        Ready {
            view,
            line,
            environment,
        }
    }
}

/// Proton is a script that is told what to do, and where its Windows lies.
fn is_proton(wine: &std::path::Path) -> bool {
    wine.file_name().is_some_and(|name| name == "proton")
}

fn cannot(game: &GameId, program: &Program) -> PlayError {
    if program.needs_wine(SYSTEM) {
        PlayError::NeedsWine(game.clone())
    } else {
        PlayError::NoProgram(game.clone())
    }
}

/// The address of the link: it was proved, and leads there.
fn host(join: Join, peers: &PeersView) -> Result<IpAddr, PlayError> {
    let address = match join {
        Join::Address(ip) => Some(ip),
        Join::Peer(peer) => {
            let linked = peers.peers.get(&peer);
            let linked = linked.filter(|peer| peer.state == PeerState::Connected);
            linked
                .and_then(|peer| peer.address)
                .map(|address| address.ip())
        }
    };
    address.map(|ip| ip.to_canonical()).ok_or(PlayError::NoHost)
}
