//! Opens pages and folders with what this person uses for them.

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
    thread,
};

use lanspread_api::Report;

use crate::env;

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
    if !is_screen() {
        return Err(failed(io::Error::other("this session has no screen")));
    }
    // The opener speaks to nobody: what it prints must not come between our lines.
    let mut child = opener(what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    // It may be the browser itself, which runs as long as the person likes.
    thread::spawn(move || child.wait());
    Ok(())
}

fn opener(what: &str) -> Command {
    let mut command = Command::new(if cfg!(windows) {
        "explorer"
    } else if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    });
    command.arg(what);
    command
}

fn is_screen() -> bool {
    let unix = cfg!(unix) && !cfg!(target_os = "macos");
    !unix || env::read(env::DISPLAY).is_some() || env::read(env::WAYLAND_DISPLAY).is_some()
}
