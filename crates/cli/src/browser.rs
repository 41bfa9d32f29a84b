//! Opens pages and folders with what this person uses for them.

use std::{io, path::Path};

use lanspread_api::Report;

/// Shows a page in the browser.
///
/// # Errors
/// There is no screen, or no browser could be started.
pub(crate) fn open_page(link: &str) -> Result<(), Report> {
    open(link)
}

/// Shows a folder in the file manager.
///
/// # Errors
/// There is no screen, or no file manager could be started.
pub(crate) fn open_folder(folder: &Path) -> Result<(), Report> {
    let Some(folder) = folder.to_str() else {
        let message = format!("{} is no Unicode", folder.display());
        return Err(Report::new("no-browser", message));
    };
    open(folder)
}

fn open(what: &str) -> Result<(), Report> {
    let failed =
        |error: io::Error| Report::new("no-browser", format!("cannot open {what}: {error}"));
    start(what).map_err(failed)
}

#[cfg(windows)]
fn start(what: &str) -> io::Result<()> {
    crate::screen::open(what)
}

#[cfg(not(windows))]
fn start(what: &str) -> io::Result<()> {
    use std::process::{Command, Stdio};

    if !is_screen() {
        return Err(io::Error::other("this session has no screen"));
    }
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    // The opener speaks to nobody: what it prints must not come between our lines.
    let mut child = Command::new(opener)
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // It may be the browser itself, which runs as long as the person likes.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(not(windows))]
fn is_screen() -> bool {
    use crate::env;

    cfg!(target_os = "macos")
        || env::read(env::DISPLAY).is_some()
        || env::read(env::WAYLAND_DISPLAY).is_some()
}
