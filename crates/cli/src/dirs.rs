//! Where things are by default: games in the home directory, state by the platform's convention.

use std::path::PathBuf;

use etcetera::BaseStrategy;
use lanspread_api::Report;

/// `~/Games/LanSpread`, on Windows `%USERPROFILE%\Games\LanSpread`.
pub(crate) fn games_default() -> Result<PathBuf, Report> {
    let home = etcetera::home_dir().map_err(|_no_home| no_home("--games"))?;
    Ok(home.join("Games").join("LanSpread"))
}

/// `~/.local/state/lanspread`, `%LOCALAPPDATA%\LanSpread`,
/// `~/Library/Application Support/LanSpread`.
pub(crate) fn state_default() -> Result<PathBuf, Report> {
    let base =
        etcetera::base_strategy::choose_native_strategy().map_err(|_no_home| no_home("--state"))?;
    Ok(if cfg!(windows) {
        // The local one: a key must not roam to another machine.
        base.cache_dir().join("LanSpread")
    } else if cfg!(target_os = "macos") {
        base.data_dir().join("LanSpread")
    } else {
        let dir = base.state_dir().unwrap_or_else(|| base.data_dir());
        dir.join("lanspread")
    })
}

fn no_home(flag: &str) -> Report {
    let message = format!("this user has no home directory; name a directory with {flag}");
    Report::new("bad-config", message)
}

/// The name of this machine, for other people.
pub(crate) fn machine_name() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = crate::env::read("COMPUTERNAME").unwrap_or_default();
    match name.split('.').next() {
        Some(first) if !first.is_empty() => first.to_owned(),
        Some(_) | None => "LanSpread".to_owned(),
    }
}
