//! What may change while the node runs.

use serde::{Deserialize, Serialize};

/// What may change while the node runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[expect(
    clippy::struct_excessive_bools,
    reason = "two switches that do not exclude each other"
)]
pub struct Settings {
    /// Whether games are shared at all.
    pub share: bool,
    /// Bytes per second that may be sent; `null` for no limit.
    pub up_rate_max: Option<u64>,
    /// Bytes per second that may be received; `null` for no limit.
    pub down_rate_max: Option<u64>,
    /// Downloads that run at once; the rest wait in the queue.
    pub downloads_max: usize,
    /// What starts Windows programs where this is not Windows.
    #[serde(default)]
    pub wine: Option<String>,
    /// Whether the newest version of every game that somebody shares is kept here.
    #[serde(default)]
    pub mirror: bool,
    /// Bytes of payload that are kept so at most; `null` for no limit.
    #[serde(default)]
    pub mirror_quota: Option<u64>,
    /// Bytes that stay free on the volume of the games directory.
    #[serde(default)]
    pub mirror_free: u64,
}
