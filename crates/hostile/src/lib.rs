//! What foreign bytes may not do: one function for each kind of bytes that come from a peer, an
//! archive, a file or a browser. Each takes anything and fails only on a defect. `fuzz/` calls them
//! with what a fuzzer thinks of, `tests/corpus.rs` with what it thought of before.
//!
//! The oracles: nothing panics; what is accepted says the same when it is said again; what is
//! accepted keeps the rules, which are written down here a second time and otherwise.
#![expect(
    clippy::unwrap_used,
    reason = "a surprise here is what the fuzzer looks for"
)]

mod files;
mod messages;
mod names;
#[cfg(feature = "doors")]
mod outside;

pub use files::{index_record, intent, journal, worker_frames};
pub use messages::{chunk_map, frame, hello, known_manifest, library_delta, manifest};
pub use names::{path, version_label};
#[cfg(feature = "doors")]
pub use outside::{control_api, mdns_txt};

/// A kind of bytes by its name, and what is tried with them.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("chunk_map", chunk_map),
    #[cfg(feature = "doors")]
    ("control_api", control_api),
    ("frame", frame),
    ("hello", hello),
    ("index_record", index_record),
    ("intent", intent),
    ("journal", journal),
    ("library_delta", library_delta),
    ("manifest", manifest),
    #[cfg(feature = "doors")]
    ("mdns_txt", mdns_txt),
    ("path", path),
    ("version_label", version_label),
    ("worker_frames", worker_frames),
];
