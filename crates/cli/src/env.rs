//! Every environment variable that LanSpread reads, and what for.

/// The state directory, as `--state`.
pub(crate) const STATE: &str = "LANSPREAD_STATE";
/// The games directory, as `--games`.
pub(crate) const GAMES: &str = "LANSPREAD_GAMES";
/// The name other people see, as `--name`.
pub(crate) const NAME: &str = "LANSPREAD_NAME";
/// Where to listen, as `--listen`.
pub(crate) const LISTEN: &str = "LANSPREAD_LISTEN";
/// The limit for sending, as the setting `up`.
pub(crate) const UP: &str = "LANSPREAD_UP";
/// The limit for receiving, as the setting `down`.
pub(crate) const DOWN: &str = "LANSPREAD_DOWN";
/// Downloads at once, as the setting `downloads`.
pub(crate) const DOWNLOADS: &str = "LANSPREAD_DOWNLOADS";
/// Whether games are shared, as the setting `share`.
pub(crate) const SHARE: &str = "LANSPREAD_SHARE";
/// What is logged to standard error, in the syntax of `tracing-subscriber`.
pub(crate) const LOG: &str = "RUST_LOG";
/// No colours when set and not empty.
pub(crate) const NO_COLOR: &str = "NO_COLOR";
/// Where windows appear, under X; without a screen no browser is started.
#[cfg(not(windows))]
pub(crate) const DISPLAY: &str = "DISPLAY";
/// Where windows appear, under Wayland.
#[cfg(not(windows))]
pub(crate) const WAYLAND_DISPLAY: &str = "WAYLAND_DISPLAY";

/// The person's language; the first one that is set counts.
pub(crate) const LC_ALL: &str = "LC_ALL";
/// See [`LC_ALL`].
pub(crate) const LC_MESSAGES: &str = "LC_MESSAGES";
/// See [`LC_ALL`].
pub(crate) const LANG: &str = "LANG";

/// Reads a variable; one that is empty or no Unicode counts as not set.
pub(crate) fn read(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
