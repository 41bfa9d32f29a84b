//! One invented party, for tests of what people see.

use lanspread_api::{
    Report, Snapshot,
    types::snapshot::{
        Availability, Component, ComponentState, Content, Game, Hashing, Holder, Installed, Local,
        Me, Mirror, NotShared, Operation, OperationKind, Peer, PeerState, Phase, Problem, Settings,
        Sharing, Size, Source, Upload,
    },
};
use lanspread_proto::PeerId;

pub(crate) fn key(byte: u8) -> String {
    PeerId::from_bytes([byte; 32]).to_string()
}

pub(crate) fn operation(phase: Phase) -> Operation {
    let source = |byte, rate| Source {
        peer: key(byte),
        bytes: 1_000_000_000,
        rate,
    };
    Operation {
        operation: 7,
        kind: OperationKind::Download,
        phase,
        error: None,
        content: Some("cc".repeat(32)),
        done_bytes: 26_800_000_000,
        total_bytes: 59_600_000_000,
        rate: 112_000_000,
        left_ms: Some(293_000),
        sources: vec![source(1, 80_000_000), source(2, 32_000_000), source(3, 0)],
        map: Vec::new(),
        verified: None,
    }
}

fn local() -> Local {
    Local {
        present: false,
        downloaded: None,
        content: None,
        installed: None,
        availability: None,
        not_shared: None,
        partial_bytes: 0,
        kept_bytes: 0,
    }
}

fn game(id: &str, local: Local) -> Game {
    let content = "cc".repeat(32);
    Game {
        folder: None,
        game: id.to_owned(),
        title: id.to_uppercase(),
        local,
        contents: vec![Content {
            content: content.clone(),
            version: "20260704".to_owned(),
            payload: Size {
                bytes: 59_600_000_000,
                files: 7,
            },
            unpacked: Some(Size {
                bytes: 88_000_000_000,
                files: 4_711,
            }),
            ready: 3,
            partial: 1,
            local_only: 0,
            holders: vec![Holder {
                peer: key(1),
                availability: Availability::Ready,
            }],
        }],
        newest: Some(content),
        update_available: false,
        conflict: false,
        operation: None,
        play: None,
        hosts: Vec::new(),
        about: None,
    }
}

pub(crate) fn games() -> Vec<Game> {
    let loading = Game {
        operation: Some(operation(Phase::Downloading)),
        ..game(
            "battlefield 1942",
            Local {
                partial_bytes: 26_800_000_000,
                ..local()
            },
        )
    };
    let installed = Local {
        present: true,
        downloaded: Some("20250101".to_owned()),
        installed: Some(Installed {
            version: Some("20250101".to_owned()),
            content: Some("dd".repeat(32)),
        }),
        availability: Some(Availability::Ready),
        ..local()
    };
    let old = Game {
        update_available: true,
        ..game("quake iii arena with a very long name indeed", installed)
    };
    let unshared = Game {
        contents: Vec::new(),
        newest: None,
        ..game(
            "saves",
            Local {
                present: true,
                not_shared: Some(NotShared::NoVersion),
                ..local()
            },
        )
    };
    let failed = Game {
        operation: Some(Operation {
            error: Some(Report::new(
                "disk-full",
                "/games needs 9 GB and has 1 GB free",
            )),
            ..operation(Phase::Failed)
        }),
        ..game("unreal", local())
    };
    vec![loading, old, unshared, failed]
}

fn peer(byte: u8, name: &str, state: PeerState) -> Peer {
    Peer {
        peer: Some(key(byte)),
        words: Some(PeerId::from_bytes([byte; 32]).words()),
        name: name.to_owned(),
        address: Some(([192, 168, 100, byte], 47_100).into()),
        state,
        sharing: true,
        reachable: Some(true),
        games: 112,
        rtt_us: Some(430),
        link_mbps: Some(1_000),
        wifi: Some(false),
        received_bytes: 1,
        sent_bytes: 2,
    }
}

pub(crate) fn peers() -> Vec<Peer> {
    let unknown = Peer {
        peer: None,
        words: None,
        address: Some("[fe80::1%2]:47100".parse().unwrap()),
        rtt_us: None,
        link_mbps: Some(1_000),
        wifi: Some(false),
        ..peer(9, "", PeerState::Dialling)
    };
    let quiet = Peer {
        sharing: false,
        rtt_us: Some(12_345),
        link_mbps: Some(1_000),
        wifi: Some(false),
        ..peer(2, "twin", PeerState::Connected)
    };
    vec![
        peer(1, "Anna", PeerState::Connected),
        quiet,
        peer(3, "Twin", PeerState::Gone),
        unknown,
    ]
}

pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        revision: 1,
        first_run: None,
        quitting: false,
        guest: false,
        me: Me {
            disk: None,
            version: "0.1.0".to_owned(),
            peer: key(7),
            words: PeerId::from_bytes([7; 32]).words(),
            name: "Box".to_owned(),
            addresses: vec![([192, 168, 100, 7], 47_100).into()],
            games_dir: "/games".to_owned(),
            games_dir_available: true,
            sharing: Sharing::Paused,
            sharing_pause_left_ms: Some(600_000),
            reachable: Some(false),
            down_rate: 112_000_000,
            up_rate: 0,
            hashing: Some(Hashing {
                done_bytes: 1_000_000_000,
                total_bytes: 4_000_000_000,
                left_ms: Some(3_000),
            }),
        },
        games: games(),
        peers: peers(),
        queue: vec!["doom".to_owned()],
        uploads: vec![Upload {
            peer: key(1),
            game: "doom".to_owned(),
            bytes: 2_500_000_000,
            rate: 55_000_000,
        }],
        settings: Settings {
            share: true,
            up_rate_max: Some(10_000_000),
            down_rate_max: None,
            downloads_max: 2,
            wine: None,
            mirror: false,
            mirror_quota: None,
            mirror_free: 10_000_000_000,
        },
        mirror: Mirror::default(),
        problems: vec![Problem {
            code: "games-dir-unavailable".to_owned(),
            subject: "/games".to_owned(),
            message: "the games directory is not available".to_owned(),
        }],
        components: vec![ComponentState {
            component: Component::Discovery,
            running: false,
            restarts: 3,
        }],
    }
}
