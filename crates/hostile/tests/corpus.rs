//! What the fuzzer thought of before, tried again; and the good bytes that it began with.
//!
//! `LANSPREAD_WRITE_CORPUS=1 cargo test -p lanspread-hostile` writes the good ones.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test stops where the world is not as it should be"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lanspread_hostile::{TARGETS, known_manifest};
use lanspread_install::{
    Goal, InstallRecord, Intent, Marker, Phase, RecordedFile, Role, Stamp, Target, TransactionId,
};
use lanspread_proto::{
    ChunkMap, ContentId, GameId, Hash, PeerId, PieceIndex, RelPath, VersionLabel,
    library::{Availability, LibraryDigest, LibraryEntry, Size},
    text::{PeerName, Title},
    wire::{
        Bounded, Extensions, LaneMessage, LinkMessage,
        codec::HEADER_BYTES,
        lane::{Credit, LaneHello, LaneRole, RequestId},
        link::{
            Goodbye, Hello, LibraryDelta, LibraryPage, LibraryWant, PeerHint, PeerHints, PieceRef,
            Reachability, Sharing,
        },
    },
};

/// All files together; the corpus is part of every checkout.
const CORPUS_BYTES_MAX: u64 = 5 << 20;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus")
}

#[test]
fn nothing_that_was_thought_of_breaks_anything() {
    let (mut tried, mut bytes_in_all) = (0, 0);
    for (name, target) in TARGETS {
        for entry in fs::read_dir(corpus().join(name)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            bytes_in_all += bytes.len() as u64;
            let shown = path.display().to_string();
            let outcome = std::panic::catch_unwind(|| target(&bytes));
            assert!(outcome.is_ok(), "{shown} breaks {name}");
            // So do its beginnings, and its neighbours.
            for cut in 0..bytes.len().min(64) {
                target(&bytes[..cut]);
            }
            tried += 1;
        }
    }
    assert!(tried >= TARGETS.len(), "{tried} files are not all targets");
    assert!(bytes_in_all <= CORPUS_BYTES_MAX, "{bytes_in_all} bytes");
}

#[test]
fn the_fuzzer_has_every_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        let body = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            body.contains(&format!("lanspread_hostile::{name}(")),
            "{name}"
        );
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
}

/// The good bytes are there, and they are still what the program writes: a change of a format shows
/// here, and the fuzzer keeps a way in.
#[test]
fn the_good_ones_are_in_the_corpus() {
    let write = std::env::var_os("LANSPREAD_WRITE_CORPUS").is_some();
    let mut seen = BTreeSet::new();
    for (target, name, bytes) in good() {
        seen.insert(target);
        let dir = corpus().join(target);
        let path = dir.join(format!("good-{name}"));
        if write {
            fs::create_dir_all(&dir).unwrap();
            fs::write(&path, &bytes).unwrap();
        }
        let there = fs::read(&path).unwrap_or_default();
        assert!(
            there == bytes,
            "{} is old: LANSPREAD_WRITE_CORPUS=1 cargo test -p lanspread-hostile",
            path.display()
        );
    }
    assert_eq!(seen.len(), TARGETS.len());
}

fn good() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut all = messages();
    all.extend(files());
    let text = |target, name, text: &str| (target, name, text.as_bytes().to_vec());
    let command = r#"{"command":"get","game":"quake","install":true}"#;
    let share = r#"{"command":"share","game":null,"on":false}"#;
    let id = "05".repeat(32);
    let pair = |pair: String| [vec![u8::try_from(pair.len()).unwrap()], pair.into()].concat();
    let pairs = [
        "v=1".to_owned(),
        format!("id={id}"),
        format!("boot={:016x}", 7),
    ];
    all.extend([
        text("control_api", "get", command),
        text("control_api", "share", share),
        ("mdns_txt", "own", pairs.map(pair).concat()),
        text("path", "deep", "data/maps/Level 1.map"),
        text("path", "devices", "con.txt/LPT¹/a:b"),
        text(
            "version_label",
            "ini",
            "; a comment\n[game]\nversion = 1.10\n",
        ),
        text("version_label", "pair", "\u{4}1.1020241231"),
    ]);
    all
}

fn messages() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let manifest = known_manifest();
    let content = manifest.content();
    let roots = manifest.files().iter().filter(|file| file.bytes > 0);
    let map = ChunkMap::new(roots.map(|file| file.root).collect(), &manifest).unwrap();
    let piece = PieceRef {
        content,
        piece: PieceIndex(3),
    };
    let hint = PeerHint {
        peer: PeerId::from_bytes([5; 32]),
        addresses: Bounded::cut([([10, 0, 0, 1], 47_100).into()]),
    };
    let stream = [
        LinkMessage::Goodbye(Goodbye::Leaving).encode(),
        LinkMessage::Offer(piece).encode(),
        LinkMessage::HaveNot(content).encode(),
        LinkMessage::PeerHints(PeerHints {
            peers: Bounded::cut([hint]),
        })
        .encode(),
    ];
    let lane = [
        LaneMessage::Hello(LaneHello {
            role: LaneRole::Fetch,
        })
        .encode(),
        LaneMessage::Credit(Credit { bytes: 65_536 }).encode(),
        LaneMessage::Cancel(RequestId(9)).encode(),
    ];
    let body = |message: LinkMessage| message.encode().split_off(HEADER_BYTES);
    vec![
        ("manifest", "tree", manifest.encode()),
        ("chunk_map", "tree", map.encode()),
        ("frame", "link", stream.concat()),
        ("frame", "lane", lane.concat()),
    ]
    .into_iter()
    .chain(library(&body))
    .collect()
}

fn library(body: &dyn Fn(LinkMessage) -> Vec<u8>) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let digest = LibraryDigest {
        epoch: 1,
        revision: 2,
        count: 1,
        hash: Hash::of(b"library"),
    };
    let game = GameId::parse("quake").unwrap();
    let content = ContentId::from_bytes([9; 32]);
    let entry = LibraryEntry {
        game: game.clone(),
        content,
        version: VersionLabel::parse("1.10").unwrap(),
        title: Title::clean("Quake"),
        availability: Availability::Partial,
        payload: Size { bytes: 7, files: 1 },
        unpacked: None,
        extensions: Extensions::default(),
    };
    let page = LibraryPage {
        digest,
        page: 0,
        last: true,
        entries: Bounded::cut([entry.clone()]),
    };
    let delta = LibraryDelta {
        from: 1,
        digest,
        upserts: Bounded::cut([entry]),
        removals: Bounded::cut([(game, content)]),
    };
    let want = LibraryWant {
        epoch: 0,
        revision: 0,
    };
    let hello = Hello {
        protocol: (1, 1),
        features: 0,
        boot: 7,
        name: PeerName::clean("Box"),
        addresses: Bounded::cut([([192, 168, 0, 7], 47_100).into()]),
        reachable: Reachability::Unknown,
        sharing: Sharing::On,
        library: digest,
        extensions: Extensions::default(),
    };
    vec![
        (
            "library_delta",
            "page",
            body(LinkMessage::LibraryPage(page)),
        ),
        (
            "library_delta",
            "delta",
            body(LinkMessage::LibraryDelta(delta)),
        ),
        ("frame", "want", LinkMessage::LibraryWant(want).encode()),
        ("hello", "plain", body(LinkMessage::Hello(hello))),
    ]
}

fn files() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let target = Target {
        content: ContentId::from_bytes([9; 32]),
        version: VersionLabel::parse("2").unwrap(),
    };
    let transaction = TransactionId::at(1_795_162_658, 77);
    let intent = Intent {
        transaction,
        phase: Phase::Committed,
        goal: Goal::Update(target.clone()),
    };
    let recorded = RecordedFile {
        path: RelPath::parse("bin/game.exe").unwrap(),
        bytes: 3,
        root: Hash::of(b"exe"),
        stamp: Stamp {
            modified_nanos: 1,
            file_id: 2,
        },
    };
    let record = InstallRecord::new(target.content, target.version, vec![recorded]).unwrap();
    let marker = Marker {
        transaction,
        role: Role::New,
    };
    // Without the seal around them, which the target puts there itself.
    let bare = |bytes: Vec<u8>| bytes[6..bytes.len() - 32].to_vec();
    vec![
        ("intent", "intent", intent.encode().unwrap()),
        ("intent", "record", record.encode().unwrap()),
        ("intent", "marker", marker.encode().into_bytes()),
        ("intent", "bare-intent", bare(intent.encode().unwrap())),
        ("intent", "bare-record", bare(record.encode().unwrap())),
        (
            "journal",
            "pieces",
            vec![0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0, 0, 2, 0, 0, 0, 0],
        ),
        ("index_record", "values", vec![7; 96]),
        (
            "worker_frames",
            "unpacked",
            lanspread_unpack::hostile::good_frames(),
        ),
    ]
}
