//! [`Progress`]: how far a demo is. A reader that is slow misses some; the newest one is the truth.

/// How far a demo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What it does.
    pub phase: Phase,
    /// Bytes done in this phase.
    pub done_bytes: u64,
    /// Bytes of this phase; 0 where it has none.
    pub total_bytes: u64,
    /// Bytes per second that arrive, smoothed.
    pub rate: u64,
    /// Sources that deliver now.
    pub sources: usize,
}

/// What a demo does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Games are made and copied.
    #[default]
    Generating,
    /// Peers start, hash their games and find each other.
    Meeting,
    /// The guest downloads and installs.
    Fetching,
    /// Installed files are compared with what was generated.
    Checking,
    /// It is over, or the party waits for people.
    Ready,
}
