//! The window that this program has for itself when it is started by a double click.

#[cfg(windows)]
mod windows;

#[cfg(windows)]
pub(crate) use windows::{open, stay_open_after_failure};

/// Other systems show what a program prints to nobody who did not start it in a terminal.
#[cfg(not(windows))]
pub(crate) const fn stay_open_after_failure() {}
