//! What must hold while peers come and go, apart from what happens to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::trees::{Tree, payload};

/// Nothing stands still for so long while somebody could send.
const STUCK_AFTER: Duration = Duration::from_secs(60);
/// Nobody is shown for so long after its death.
const GHOST_AFTER: Duration = Duration::from_secs(30);
/// Descriptors that may be open for a moment at either of two looks.
const FILES_SLACK: usize = 16;
/// Until then memory fills: allocator, caches, tables.
const WARM_AFTER: Duration = Duration::from_secs(30);

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When a peer died or stopped, by its key, until it is back.
    gone: BTreeMap<String, Instant>,
    /// Peer and operation: the bytes that it had, and since when.
    moves: BTreeMap<(String, u64), (u64, Instant)>,
    files: usize,
    began: Option<Instant>,
    /// Seconds since the beginning, bytes.
    memory: Vec<(f64, f64)>,
}

impl Watch {
    pub(crate) fn on_start(&mut self, files: usize, memory: u64) {
        self.files = files;
        self.began = Some(Instant::now());
        eprintln!(
            "{files} descriptors and {} MiB at the beginning",
            memory >> 20
        );
    }

    pub(crate) fn on_gone(&mut self, key: String) {
        self.gone.insert(key, Instant::now());
    }

    pub(crate) fn on_back(&mut self, key: &str) {
        self.gone.remove(key);
    }

    #[expect(clippy::cast_precision_loss, reason = "a slope needs no more")]
    pub(crate) fn on_memory(&mut self, bytes: u64) {
        let time = self.began.unwrap().elapsed();
        if time > WARM_AFTER {
            self.memory.push((time.as_secs_f64(), bytes as f64));
        }
    }

    /// Nothing of this may be in a snapshot.
    pub(crate) fn look(&mut self, name: &str, snapshot: &Value) {
        let shown = ghosts(snapshot);
        for (key, since) in &self.gone {
            let is_ghost = since.elapsed() > GHOST_AFTER && shown.contains(key);
            assert!(
                !is_ghost,
                "{name} shows {key}, gone for {:?}",
                since.elapsed()
            );
        }
        let now = Instant::now();
        let moving = downloads(snapshot);
        self.moves.retain(|(peer, operation), _| {
            peer != name || moving.iter().any(|(number, _)| number == operation)
        });
        for (operation, bytes) in moving {
            let key = (name.to_owned(), operation);
            let (before, since) = self.moves.entry(key).or_insert((bytes, now));
            if *before != bytes {
                (*before, *since) = (bytes, now);
            }
            let stands = now.duration_since(*since);
            assert!(
                stands < STUCK_AFTER,
                "{name} stands still for {stands:?}: {snapshot:#}"
            );
        }
    }

    /// No more descriptors are open than at the beginning.
    pub(crate) const fn is_as_before(&self, files: usize) -> bool {
        files <= self.files + FILES_SLACK
    }

    /// At the end, when it is as quiet as at the beginning.
    pub(crate) fn check_end(&self, files: usize) {
        eprintln!(
            "{files} descriptors at the end; memory grows by {:.1} MiB/h over {} looks",
            self.slope(),
            self.memory.len()
        );
        assert!(
            self.is_as_before(files),
            "{files} descriptors are open, {} were",
            self.files
        );
    }

    /// Least squares, in MiB an hour.
    #[expect(clippy::cast_precision_loss, reason = "a slope needs no more")]
    fn slope(&self) -> f64 {
        let count = self.memory.len().max(1) as f64;
        let mean = |part: fn(&(f64, f64)) -> f64| self.memory.iter().map(part).sum::<f64>() / count;
        let (time, bytes) = (mean(|m| m.0), mean(|m| m.1));
        let both: f64 = (self.memory.iter())
            .map(|m| (m.0 - time) * (m.1 - bytes))
            .sum();
        let spread: f64 = self.memory.iter().map(|m| (m.0 - time).powi(2)).sum();
        both / spread.max(1.0) * 3_600.0 / 1_048_576.0
    }
}

/// What lies there is the game, byte by byte.
pub(crate) fn check_payload(root: &Path, published: &Tree) {
    assert_eq!(&payload(root), published, "{}", root.display());
}

/// The keys of the peers that are shown as connected.
fn ghosts(snapshot: &Value) -> BTreeSet<String> {
    let peers = snapshot["peers"].as_array().unwrap().iter();
    peers
        .filter(|peer| peer["state"] == "connected")
        .map(|peer| peer["peer"].as_str().unwrap().to_owned())
        .collect()
}

/// Downloads under way for which a source is connected: number, bytes.
fn downloads(snapshot: &Value) -> Vec<(u64, u64)> {
    let games = snapshot["games"].as_array().unwrap().iter();
    games
        .filter(|game| {
            let phase = &game["operation"]["phase"];
            let ready = game["contents"][0]["ready"].as_u64() > Some(0);
            ready
                && ["preparing", "downloading", "committing"]
                    .iter()
                    .any(|p| phase == p)
        })
        .map(|game| {
            let operation = &game["operation"];
            let bytes = operation["done_bytes"].as_u64().unwrap_or(0);
            (operation["operation"].as_u64().unwrap(), bytes)
        })
        .collect()
}

/// What the soak looks for is found when it is there: a ghost, a download that stands still, more
/// descriptors.
#[test]
fn s81_soak_sees_what_is_wrong() {
    let stuck = serde_json::json!({"peers": [{"peer": "k", "state": "connected"}], "games": [{
        "operation": {"operation": 3, "phase": "downloading", "done_bytes": 7},
        "contents": [{"ready": 1}],
    }]});
    let fails = |watch: &mut Watch| {
        let look = std::panic::AssertUnwindSafe(|| watch.look("me", &stuck));
        std::panic::catch_unwind(look).is_err()
    };
    let mut watch = Watch::default();
    let long_ago = |time: Duration| Instant::now().checked_sub(time).unwrap();
    assert!(!fails(&mut watch));
    watch.gone.insert("k".to_owned(), long_ago(GHOST_AFTER * 2));
    assert!(fails(&mut watch), "a ghost");
    watch.on_back("k");
    assert!(!fails(&mut watch));
    watch
        .moves
        .insert(("me".to_owned(), 3), (7, long_ago(STUCK_AFTER * 2)));
    assert!(fails(&mut watch), "it stands still");
    watch
        .moves
        .insert(("me".to_owned(), 3), (6, long_ago(STUCK_AFTER * 2)));
    assert!(!fails(&mut watch), "it moved");
    watch.files = 10;
    let end = std::panic::AssertUnwindSafe(|| watch.check_end(10 + FILES_SLACK + 1));
    assert!(std::panic::catch_unwind(end).is_err(), "descriptors");
}
