use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use lanspread_node::{
    Notice, OperationError, Shortage, Snapshot, StartError, config::Settings, snapshot as node,
};
use lanspread_proto::{
    ContentId, GameId, PeerId, RelPath, VersionLabel,
    library::{Availability, Size},
    text::{PeerName, Title},
};

use crate::{Report, error::Kind, hints, types};

pub(crate) fn game() -> GameId {
    GameId::parse("quake").unwrap()
}

fn peer() -> PeerId {
    PeerId::from_bytes([1; 32])
}

fn content() -> ContentId {
    ContentId::from_bytes([0xcc; 32])
}

fn version() -> VersionLabel {
    VersionLabel::parse("1.0").unwrap()
}

fn address() -> SocketAddr {
    ([192, 168, 0, 1], 47_100).into()
}

/// A snapshot in which every part has something.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot {
        revision: 3,
        me: node::MeView {
            peer: peer(),
            name: PeerName::clean("Box"),
            addresses: vec![address()],
            games_dir: PathBuf::from("/games"),
            games_dir_state: node::GamesDirState::Unavailable,
            is_listed: true,
            sharing: node::SharingState::Paused(Some(Duration::from_millis(1_500))),
            reachable: None,
            down_rate: 1,
            up_rate: 2,
            hashing: Some(node::HashingView {
                done_bytes: 1,
                total_bytes: 2,
                left: None,
            }),
        },
        games: vec![game_view()],
        peers: vec![node::PeerView {
            peer: Some(peer()),
            name: PeerName::clean("Anna"),
            address: Some(address()),
            state: node::PeerState::OldLanSpread,
            sharing: true,
            reachable: Some(true),
            games: Some(4),
            rtt: Some(Duration::from_micros(430)),
            medium: Some(lanspread_node::doctor::InterfaceKind::Wired),
            bits_per_second: Some(100_000_000),
            received_bytes: 5,
            sent_bytes: 6,
        }],
        queue: vec![game()],
        uploads: vec![node::UploadView {
            peer: peer(),
            game: game(),
            bytes: 7,
            rate: 8,
        }],
        settings: Settings {
            up_rate_max: Some(9),
            ..Settings::default()
        },
        mirror: Arc::new(node::MirrorView {
            on: true,
            kept_games: 1,
            kept_bytes: 2,
            left: vec![(game(), node::Verdict::OverQuota)],
            ..node::MirrorView::default()
        }),
        problems: vec![node::Problem {
            code: "discovery",
            subject: "eth0".to_owned(),
            message: "no multicast".to_owned(),
        }],
        components: vec![node::ComponentView {
            component: node::Component::LibraryMonitor,
            running: true,
            restarts: 0,
        }],
    }
}

fn game_view() -> node::GameView {
    node::GameView {
        game: game(),
        title: Title::clean("Quake"),
        folder: Some(PathBuf::from("/games/Quake")),
        local: node::LocalView {
            present: true,
            downloaded: Some(version()),
            content: Some(content()),
            installed: Some(node::InstalledView::Version(version(), content())),
            availability: Some(Availability::LocalOnly),
            not_shared: Some(node::NotShared::Refused {
                entry: "a".to_owned(),
                code: "payload",
                reason: "b".to_owned(),
            }),
            partial_bytes: 1,
            kept_bytes: 2,
        },
        contents: vec![node::ContentView {
            content: content(),
            version: version(),
            payload: Size { bytes: 3, files: 4 },
            unpacked: None,
            ready: 5,
            partial: 6,
            local_only: 7,
            holders: vec![(peer(), Availability::Ready)],
        }],
        newest: Some(content()),
        update_available: false,
        conflict: true,
        play: Some(node::PlayInfo {
            can_play: true,
            can_serve: true,
            can_join: false,
            state: node::PlayState::Running,
            serving: true,
        }),
        hosts: vec![node::HostView {
            peer: peer(),
            port: Some(27_960),
        }],
        about: Some(node::AboutView {
            description: Some("Fast.".to_owned()),
            description_de: Some("Schnell.".to_owned()),
            genre: Some(node::Genre::RolePlaying),
            players_max: Some(16),
            year: Some(1999),
            licence: None,
        }),
        cover: Some(255),
        operation: Some(node::OperationView {
            operation: node::OperationId(8),
            kind: node::OperationKind::Update,
            phase: node::Phase::Failed(OperationError::InUse(game())),
            content: None,
            done_bytes: 9,
            total_bytes: 10,
            rate: 11,
            left: Some(Duration::from_secs(12)),
            map: Arc::from([2, 0]),
            sources: vec![node::SourceView {
                peer: peer(),
                bytes: 13,
                rate: 14,
            }],
            verified: None,
        }),
    }
}

#[test]
fn what_stands_still_has_no_rate_and_no_time_left() {
    let check = |phase: node::Phase, rates: [u64; 2], left_ms: Option<u64>| {
        let mut snapshot = snapshot();
        snapshot.games[0].operation.as_mut().unwrap().phase = phase.clone();
        let public = types::Snapshot::from(&snapshot);
        let operation = public.games[0].operation.as_ref().unwrap();
        let measured = [operation.rate, operation.sources[0].rate];
        assert_eq!((measured, operation.left_ms), (rates, left_ms), "{phase:?}");
    };
    check(node::Phase::Downloading, [11, 14], Some(12_000));
    check(node::Phase::Paused, [0, 0], None);
    check(node::Phase::WaitingForSource, [0, 0], None);
}

#[test]
#[expect(clippy::too_many_lines, reason = "all of a snapshot, as others see it")]
fn a_snapshot_as_json() {
    let public = types::Snapshot::from(&snapshot());
    let json = serde_json::to_string_pretty(&public).unwrap();
    insta::assert_snapshot!(json, @r#"
    {
      "revision": 3,
      "me": {
        "peer": "0101010101010101010101010101010101010101010101010101010101010101",
        "words": "bahad-bahad-bahad-bahad",
        "name": "Box",
        "addresses": [
          "192.168.0.1:47100"
        ],
        "games_dir": "/games",
        "games_dir_available": false,
        "disk": null,
        "version": "0.1.0",
        "sharing": "paused",
        "sharing_pause_left_ms": 1500,
        "reachable": null,
        "down_rate": 1,
        "up_rate": 2,
        "hashing": {
          "done_bytes": 1,
          "total_bytes": 2,
          "left_ms": null
        }
      },
      "games": [
        {
          "game": "quake",
          "title": "Quake",
          "folder": "/games/Quake",
          "local": {
            "present": true,
            "downloaded": "1.0",
            "content": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
            "installed": {
              "version": "1.0",
              "content": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
            },
            "availability": "local_only",
            "not_shared": {
              "why": "refused",
              "entry": "a",
              "code": "payload",
              "reason": "b"
            },
            "partial_bytes": 1,
            "kept_bytes": 2
          },
          "contents": [
            {
              "content": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
              "version": "1.0",
              "payload": {
                "bytes": 3,
                "files": 4
              },
              "unpacked": null,
              "ready": 5,
              "partial": 6,
              "local_only": 7,
              "holders": [
                {
                  "peer": "0101010101010101010101010101010101010101010101010101010101010101",
                  "availability": "ready"
                }
              ]
            }
          ],
          "newest": "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
          "update_available": false,
          "conflict": true,
          "operation": {
            "operation": 8,
            "kind": "update",
            "phase": "failed",
            "error": {
              "kind": "user",
              "code": "close-the-game",
              "message": "files of quake are in use",
              "hints": [
                "close the game and everything that has its files open"
              ]
            },
            "content": null,
            "done_bytes": 9,
            "total_bytes": 10,
            "rate": 11,
            "left_ms": 12000,
            "sources": [
              {
                "peer": "0101010101010101010101010101010101010101010101010101010101010101",
                "bytes": 13,
                "rate": 14
              }
            ],
            "map": [
              2,
              0
            ],
            "verified": null
          },
          "play": {
            "can_play": true,
            "can_serve": true,
            "can_join": false,
            "state": "running",
            "serving": true
          },
          "hosts": [
            {
              "peer": "0101010101010101010101010101010101010101010101010101010101010101",
              "port": 27960
            }
          ],
          "about": {
            "description": "Fast.",
            "description_de": "Schnell.",
            "genre": "role_playing",
            "players_max": 16,
            "year": 1999,
            "licence": null,
            "cover": "/api/cover/quake?ff"
          }
        }
      ],
      "peers": [
        {
          "peer": "0101010101010101010101010101010101010101010101010101010101010101",
          "words": "bahad-bahad-bahad-bahad",
          "name": "Anna",
          "address": "192.168.0.1:47100",
          "state": "old_lanspread",
          "sharing": true,
          "reachable": true,
          "games": 4,
          "rtt_us": 430,
          "link_mbps": 100,
          "wifi": false,
          "received_bytes": 5,
          "sent_bytes": 6
        }
      ],
      "queue": [
        "quake"
      ],
      "uploads": [
        {
          "peer": "0101010101010101010101010101010101010101010101010101010101010101",
          "game": "quake",
          "bytes": 7,
          "rate": 8
        }
      ],
      "settings": {
        "share": true,
        "up_rate_max": 9,
        "down_rate_max": null,
        "downloads_max": 2,
        "wine": null,
        "mirror": false,
        "mirror_quota": null,
        "mirror_free": 10000000000
      },
      "mirror": {
        "on": true,
        "kept_games": 1,
        "kept_bytes": 2,
        "fetching_games": 0,
        "waiting_games": 0,
        "foreign_games": 0,
        "left": [
          {
            "game": "quake",
            "why": "over_quota"
          }
        ],
        "left_games": 1
      },
      "problems": [
        {
          "code": "discovery",
          "subject": "eth0",
          "message": "no multicast"
        }
      ],
      "components": [
        {
          "component": "library_monitor",
          "running": true,
          "restarts": 0
        }
      ],
      "first_run": null,
      "quitting": false,
      "guest": false
    }
    "#);
    assert_eq!(
        serde_json::from_str::<types::Snapshot>(&json).unwrap(),
        public
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "notices, as others see them")]
fn notices_as_json() {
    let (operation, kind) = (node::OperationId(1), node::OperationKind::Download);
    let notices = [
        Notice::Ready {
            peer: peer(),
            port: 7,
        },
        Notice::LocalLibraryChanged,
        Notice::OperationBegun {
            operation,
            kind,
            game: game(),
            content: Some(content()),
            version: Some(version()),
        },
        Notice::ChunkFinished {
            game: game(),
            peer: None,
            file: RelPath::parse("a/b").unwrap(),
            offset: 1,
            bytes: 2,
        },
        Notice::OperationFailed {
            operation,
            kind,
            game: game(),
            error: OperationError::UpToDate(game()),
        },
        Notice::PeerDiscovered {
            peer: None,
            address: address(),
        },
        Notice::ComponentFailed {
            component: node::Component::Discovery,
            reason: "x".to_owned(),
        },
    ];
    let public: Vec<_> = notices.iter().map(types::Notice::from).collect();
    let lines: Vec<_> = public
        .iter()
        .map(|n| serde_json::to_string(n).unwrap())
        .collect();
    let short = lines
        .join("\n")
        .replace(&"cc".repeat(32), "CC")
        .replace(&"01".repeat(32), "01");
    insta::assert_snapshot!(short.replace(",\"", ",\n  \""), @r#"
    {"notice":"ready",
      "peer":"01",
      "port":7}
    {"notice":"local_library_changed"}
    {"notice":"operation_begun",
      "operation":1,
      "kind":"download",
      "game":"quake",
      "content":"CC",
      "version":"1.0"}
    {"notice":"chunk_finished",
      "game":"quake",
      "peer":null,
      "file":"a/b",
      "offset":1,
      "bytes":2}
    {"notice":"operation_failed",
      "operation":1,
      "kind":"download",
      "game":"quake",
      "error":{"kind":"user",
      "code":"up-to-date",
      "message":"quake is up to date",
      "hints":["nothing to do; an older version is taken only with `get --content ID`"]}}
    {"notice":"peer_discovered",
      "peer":null,
      "address":"192.168.0.1:47100"}
    {"notice":"component_failed",
      "component":"discovery",
      "reason":"x"}
    "#);
    for (line, notice) in lines.iter().zip(public) {
        assert_eq!(serde_json::from_str::<types::Notice>(line).unwrap(), notice);
    }
}

/// One of each kind that can be made here; the disk's own errors cannot.
fn operation_errors() -> Vec<OperationError> {
    use OperationError as E;
    let text = || "x".to_owned();
    vec![
        E::UnknownGame(game()),
        E::NobodyHasIt(game()),
        ambiguous(),
        E::Busy {
            game: game(),
            running: node::OperationKind::Install,
        },
        E::NothingRuns(game()),
        E::NotDownloaded(game()),
        E::NotInstalled(game()),
        E::StillInstalled(game()),
        E::PayloadHere(game()),
        E::UpToDate(game()),
        no_space(),
        E::GamesDirUnavailable("/games".into()),
        E::NotApart {
            games: "/games".into(),
            state: "/games/state".into(),
        },
        E::GamesDirInUse {
            path: "/games".into(),
            pid: Some(7),
        },
        E::InUse(game()),
        E::Record {
            path: "/r".into(),
            reason: text(),
        },
        E::Archive {
            archive: text(),
            entry: None,
            code: "a-code-of-tomorrow",
            reason: text(),
        },
        E::Publish {
            entry: text(),
            code: "a-code-of-tomorrow",
            reason: text(),
        },
        E::Connect {
            address: address(),
            code: "a-code-of-tomorrow",
            reason: text(),
        },
        E::FileTooLarge {
            path: "/games".into(),
            file: "data.pak".to_owned(),
            bytes: 5_000_000_000,
            bytes_max: u32::MAX.into(),
        },
        E::BadManifest(game()),
        E::UnknownPeer,
        E::NotListening,
        E::Cancelled,
        E::Defect("index out of bounds".to_owned()),
        E::Stopping,
    ]
}

fn ambiguous() -> OperationError {
    OperationError::Ambiguous {
        game: game(),
        version: version(),
        choices: vec![(content(), 2), (ContentId::from_bytes([0xdd; 32]), 2)],
    }
}

fn no_space() -> OperationError {
    let id = |text: &str| GameId::parse(text).unwrap();
    let droppable = ["a", "b", "c", "d"].map(|game| (id(game), 5_000_000_000));
    OperationError::NotEnoughSpace(Arc::new(Shortage {
        path: "/games".into(),
        needed_bytes: 11_000_000_000,
        free_bytes: 8_000_000_000,
        reserved_bytes: 1_000_000_000,
        payload_bytes: 5_000_000_000,
        reusable_bytes: 500_000_000,
        unpacked_bytes: 6_500_000_000,
        kept_bytes: 700_000_000,
        droppable: droppable.into(),
        low_disk_bytes: Some(6_500_000_000),
    }))
}

#[test]
fn every_error_has_a_hint() {
    for error in operation_errors() {
        let report = Report::from(&error);
        assert!(!report.hints.is_empty(), "{report}");
        assert_eq!(report.code, error.code());
        assert!(!report.message.is_empty());
        if report.code != "a-code-of-tomorrow" {
            let german = report.clone().in_language(hints::Language::German);
            assert_ne!(german.hints, report.hints, "{}", report.code);
        }
    }
}

#[test]
fn choices_and_amounts() {
    let report = Report::from(&ambiguous());
    assert_eq!(report.choices.len(), 2);
    assert_eq!(report.choices[0].content, content().to_string());
    let message = Report::from(&no_space()).message;
    assert_eq!(
        message,
        "/games needs 11.0 GB and has 8.0 GB free; reserved by running operations: 1.0 GB; \
         payload: 5.0 GB; of it here already: 500 MB; unpacked: 6.5 GB; old version, kept until \
         then: 700 MB; a low-disk install needs 6.5 GB and would fit; payloads of installed games \
         that could go: a 5.0 GB, b 5.0 GB, c 5.0 GB and 1 more"
    );
}

#[test]
fn start_errors() {
    let check = |error: StartError, code: &str, kind: Kind, message: &str| {
        let report = Report::from(&error);
        assert_eq!((report.code.as_str(), report.kind), (code, kind));
        assert_eq!(report.message, message);
        assert!(!report.hints.is_empty());
    };
    let running = |pid| StartError::AlreadyRunning {
        state_dir: "/s".into(),
        pid,
    };
    let message = "another node (process 7) already uses /s";
    check(running(Some(7)), "already-running", Kind::Config, message);
    check(
        running(None),
        "already-running",
        Kind::Config,
        "another node already uses /s",
    );
    let in_use = StartError::GamesDirInUse {
        path: "/g".into(),
        pid: Some(7),
    };
    let message = "another node (process 7) uses the games directory /g";
    check(in_use, "games-dir-in-use", Kind::Config, message);
    let listen = StartError::Listen {
        address: address(),
        reason: "taken".to_owned(),
    };
    let message = "cannot listen on 192.168.0.1:47100: taken";
    check(listen, "listen", Kind::Environment, message);
}
