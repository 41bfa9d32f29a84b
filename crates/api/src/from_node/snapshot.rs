//! The node's [`Snapshot`] and its parts as the public ones.

use lanspread_node::{
    config,
    doctor::InterfaceKind,
    snapshot::{self, GamesDirState, OperationId, PeerState, Phase, SharingState, Verdict},
};
use lanspread_proto::{GameId, library, text::visible};

use super::{millis, play};
use crate::types::snapshot as public;

/// Games that are named with the reason why the mirror leaves them; the rest is counted.
const LEFT_GAMES_MAX: usize = 100;

impl From<&snapshot::Snapshot> for public::Snapshot {
    fn from(snapshot: &snapshot::Snapshot) -> Self {
        Self {
            revision: snapshot.revision,
            me: (&snapshot.me).into(),
            games: snapshot.games.iter().map(Into::into).collect(),
            peers: snapshot.peers.iter().map(Into::into).collect(),
            queue: snapshot.queue.iter().map(ToString::to_string).collect(),
            uploads: snapshot.uploads.iter().map(Into::into).collect(),
            settings: (&snapshot.settings).into(),
            mirror: (&*snapshot.mirror).into(),
            problems: snapshot.problems.iter().map(Into::into).collect(),
            components: snapshot.components.iter().map(Into::into).collect(),
            first_run: None,
            quitting: false,
            guest: false,
        }
    }
}

impl From<&snapshot::MeView> for public::Me {
    fn from(me: &snapshot::MeView) -> Self {
        let (sharing, left) = match me.sharing {
            SharingState::On => (public::Sharing::On, None),
            SharingState::Off => (public::Sharing::Off, None),
            SharingState::Paused(left) => (public::Sharing::Paused, left),
        };
        Self {
            peer: me.peer.to_string(),
            words: me.peer.words(),
            name: me.name.to_string(),
            addresses: me.addresses.clone(),
            games_dir: me.games_dir.display().to_string(),
            games_dir_available: me.games_dir_state == GamesDirState::Available,
            disk: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sharing,
            sharing_pause_left_ms: left.map(millis),
            reachable: me.reachable,
            down_rate: me.down_rate,
            up_rate: me.up_rate,
            hashing: me.hashing.map(|hashing| public::Hashing {
                done_bytes: hashing.done_bytes,
                total_bytes: hashing.total_bytes,
                left_ms: hashing.left.map(millis),
            }),
        }
    }
}

impl From<&snapshot::GameView> for public::Game {
    fn from(game: &snapshot::GameView) -> Self {
        Self {
            game: game.game.to_string(),
            title: game.title.to_string(),
            folder: game.folder.as_ref().map(|path| path.display().to_string()),
            local: (&game.local).into(),
            contents: game.contents.iter().map(Into::into).collect(),
            newest: game.newest.map(|content| content.to_string()),
            update_available: game.update_available,
            conflict: game.conflict,
            operation: game.operation.as_ref().map(Into::into),
            play: game.play.map(Into::into),
            hosts: game.hosts.iter().map(Into::into).collect(),
            about: play::about(game),
        }
    }
}

impl From<&snapshot::LocalView> for public::Local {
    fn from(local: &snapshot::LocalView) -> Self {
        let installed = local.installed.as_ref();
        Self {
            present: local.present,
            downloaded: local.downloaded.as_ref().map(ToString::to_string),
            content: local.content.map(|content| content.to_string()),
            installed: installed.map(Into::into),
            availability: local.availability.map(Into::into),
            not_shared: local.not_shared.as_ref().map(Into::into),
            partial_bytes: local.partial_bytes,
            kept_bytes: local.kept_bytes,
        }
    }
}

impl From<&snapshot::InstalledView> for public::Installed {
    fn from(installed: &snapshot::InstalledView) -> Self {
        let (version, content) = match installed {
            snapshot::InstalledView::Version(version, content) => (Some(version), Some(content)),
            snapshot::InstalledView::Unknown => (None, None),
        };
        Self {
            version: version.map(ToString::to_string),
            content: content.map(ToString::to_string),
        }
    }
}

impl From<library::Availability> for public::Availability {
    fn from(availability: library::Availability) -> Self {
        match availability {
            library::Availability::Ready => Self::Ready,
            library::Availability::Partial => Self::Partial,
            library::Availability::LocalOnly => Self::LocalOnly,
        }
    }
}

impl From<&snapshot::NotShared> for public::NotShared {
    fn from(why: &snapshot::NotShared) -> Self {
        match why {
            snapshot::NotShared::NoVersion => Self::NoVersion,
            snapshot::NotShared::SwitchedOff => Self::SwitchedOff,
            snapshot::NotShared::Checking => Self::Checking,
            snapshot::NotShared::Settling => Self::Settling,
            snapshot::NotShared::Refused {
                entry,
                code,
                reason,
            } => Self::Refused {
                entry: visible(entry),
                code: (*code).to_owned(),
                reason: visible(reason),
            },
        }
    }
}

impl From<&snapshot::ContentView> for public::Content {
    fn from(content: &snapshot::ContentView) -> Self {
        let holders = content.holders.iter();
        Self {
            content: content.content.to_string(),
            version: content.version.to_string(),
            payload: content.payload.into(),
            unpacked: content.unpacked.map(Into::into),
            ready: content.ready,
            partial: content.partial,
            local_only: content.local_only,
            holders: holders
                .map(|(peer, availability)| public::Holder {
                    peer: peer.to_string(),
                    availability: (*availability).into(),
                })
                .collect(),
        }
    }
}

impl From<library::Size> for public::Size {
    fn from(size: library::Size) -> Self {
        Self {
            bytes: size.bytes,
            files: size.files,
        }
    }
}

impl From<&snapshot::OperationView> for public::Operation {
    fn from(view: &snapshot::OperationView) -> Self {
        let OperationId(operation) = view.operation;
        let error = if let Phase::Failed(error) = &view.phase {
            Some(error.into())
        } else {
            None
        };
        let phase = public::Phase::from(&view.phase);
        // Rates and time left were measured before it stood still.
        let still = phase.is_still();
        let sources = view.sources.iter().map(public::Source::from);
        Self {
            operation,
            kind: view.kind.into(),
            phase,
            error,
            content: view.content.map(|content| content.to_string()),
            done_bytes: view.done_bytes,
            total_bytes: view.total_bytes,
            rate: if still { 0 } else { view.rate },
            left_ms: view.left.filter(|_| !still).map(millis),
            sources: sources
                .map(|source| public::Source {
                    rate: if still { 0 } else { source.rate },
                    ..source
                })
                .collect(),
            map: view.map.to_vec(),
            verified: view.verified.as_deref().map(Into::into),
        }
    }
}

impl From<&snapshot::VerifyView> for public::Verified {
    fn from(found: &snapshot::VerifyView) -> Self {
        Self {
            payload_files: found.payload_files,
            local_files: found.local_files,
            payload_damaged: (&found.payload_damaged).into(),
            local_damaged: (&found.local_damaged).into(),
            local_changed: (&found.local_changed).into(),
            local_unknown: (&found.local_unknown).into(),
            forced: found.forced,
        }
    }
}

impl From<&snapshot::Listed> for public::Listed {
    fn from(listed: &snapshot::Listed) -> Self {
        Self {
            count: listed.count,
            first: listed.first.iter().map(|name| visible(name)).collect(),
        }
    }
}

impl From<snapshot::OperationKind> for public::OperationKind {
    fn from(kind: snapshot::OperationKind) -> Self {
        match kind {
            snapshot::OperationKind::Download => Self::Download,
            snapshot::OperationKind::Install => Self::Install,
            snapshot::OperationKind::Update => Self::Update,
            snapshot::OperationKind::Uninstall => Self::Uninstall,
            snapshot::OperationKind::Remove => Self::Remove,
            snapshot::OperationKind::Publish => Self::Publish,
            snapshot::OperationKind::Verify => Self::Verify,
        }
    }
}

impl From<&Phase> for public::Phase {
    fn from(phase: &Phase) -> Self {
        match phase {
            Phase::Queued => Self::Queued,
            Phase::Paused => Self::Paused,
            Phase::Preparing => Self::Preparing,
            Phase::Adopting => Self::Adopting,
            Phase::Downloading => Self::Downloading,
            Phase::WaitingForSource => Self::WaitingForSource,
            Phase::WaitingForGamesDir => Self::WaitingForGamesDir,
            Phase::Committing => Self::Committing,
            Phase::Installing => Self::Installing,
            Phase::Verifying => Self::Verifying,
            Phase::CloseTheGame => Self::CloseTheGame,
            Phase::Testing => Self::Testing,
            Phase::Publishing => Self::Publishing,
            Phase::Removing => Self::Removing,
            Phase::Done => Self::Done,
            Phase::Cancelled => Self::Cancelled,
            Phase::Failed(_) => Self::Failed,
        }
    }
}

impl From<&snapshot::SourceView> for public::Source {
    fn from(source: &snapshot::SourceView) -> Self {
        Self {
            peer: source.peer.to_string(),
            bytes: source.bytes,
            rate: source.rate,
        }
    }
}

impl From<&snapshot::PeerView> for public::Peer {
    fn from(peer: &snapshot::PeerView) -> Self {
        let micros = |rtt: std::time::Duration| u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX);
        Self {
            peer: peer.peer.map(|peer| peer.to_string()),
            words: peer.peer.map(|peer| peer.words()),
            name: peer.name.to_string(),
            address: peer.address,
            state: peer.state.into(),
            sharing: peer.sharing,
            reachable: peer.reachable,
            games: peer.games.unwrap_or(0),
            rtt_us: peer.rtt.map(micros),
            link_mbps: peer.bits_per_second.map(|speed| speed / 1_000_000),
            wifi: peer.medium.map(|medium| medium == InterfaceKind::Wifi),
            received_bytes: peer.received_bytes,
            sent_bytes: peer.sent_bytes,
        }
    }
}

impl From<PeerState> for public::PeerState {
    fn from(state: PeerState) -> Self {
        match state {
            PeerState::Dialling => Self::Dialling,
            PeerState::Connected => Self::Connected,
            PeerState::Gone => Self::Gone,
            PeerState::Blocked => Self::Blocked,
            PeerState::OldLanSpread => Self::OldLanspread,
        }
    }
}

impl From<&snapshot::UploadView> for public::Upload {
    fn from(upload: &snapshot::UploadView) -> Self {
        Self {
            peer: upload.peer.to_string(),
            game: upload.game.to_string(),
            bytes: upload.bytes,
            rate: upload.rate,
        }
    }
}

impl From<&config::Settings> for public::Settings {
    fn from(settings: &config::Settings) -> Self {
        Self {
            share: settings.share,
            up_rate_max: settings.up_rate_max,
            down_rate_max: settings.down_rate_max,
            downloads_max: settings.downloads_max,
            wine: settings
                .wine
                .as_ref()
                .map(|path| path.display().to_string()),
            mirror: settings.mirror.on,
            mirror_quota: settings.mirror.quota_bytes,
            mirror_free: settings.mirror.free_min_bytes,
        }
    }
}

impl From<&snapshot::MirrorView> for public::Mirror {
    fn from(mirror: &snapshot::MirrorView) -> Self {
        let left = mirror.left.iter().take(LEFT_GAMES_MAX);
        Self {
            on: mirror.on,
            kept_games: mirror.kept_games,
            kept_bytes: mirror.kept_bytes,
            fetching_games: mirror.fetching_games,
            waiting_games: mirror.waiting_games,
            foreign_games: mirror.foreign_games,
            left: left.filter_map(left_game).collect(),
            left_games: u32::try_from(mirror.left.len()).unwrap_or(u32::MAX),
        }
    }
}

fn left_game((game, verdict): &(GameId, Verdict)) -> Option<public::LeftGame> {
    let why = match verdict {
        Verdict::OverQuota => public::LeftWhy::OverQuota,
        Verdict::NoRoom => public::LeftWhy::NoRoom,
        Verdict::Resting => public::LeftWhy::Resting,
        Verdict::Unclear => public::LeftWhy::Unclear,
        Verdict::Kept | Verdict::Fetching | Verdict::Next | Verdict::Waits | Verdict::Foreign => {
            return None;
        }
    };
    let game = game.to_string();
    Some(public::LeftGame { game, why })
}

impl From<&snapshot::Problem> for public::Problem {
    fn from(problem: &snapshot::Problem) -> Self {
        Self {
            code: problem.code.to_owned(),
            subject: visible(&problem.subject),
            message: visible(&problem.message),
        }
    }
}

impl From<snapshot::Component> for public::Component {
    fn from(component: snapshot::Component) -> Self {
        match component {
            snapshot::Component::Commands => Self::Commands,
            snapshot::Component::Server => Self::Server,
            snapshot::Component::Discovery => Self::Discovery,
            snapshot::Component::Liveness => Self::Liveness,
            snapshot::Component::LibraryMonitor => Self::LibraryMonitor,
            snapshot::Component::Uploads => Self::Uploads,
            snapshot::Component::Library => Self::Library,
            snapshot::Component::Credit => Self::Credit,
            snapshot::Component::Programs => Self::Programs,
            snapshot::Component::Mirror => Self::Mirror,
            snapshot::Component::Views => Self::Views,
        }
    }
}

impl From<&snapshot::ComponentView> for public::ComponentState {
    fn from(view: &snapshot::ComponentView) -> Self {
        Self {
            component: view.component.into(),
            running: view.running,
            restarts: view.restarts,
        }
    }
}
