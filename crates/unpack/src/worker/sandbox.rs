//! [`enter`]: what the worker gives up before it looks at an archive.
//!
//! Each layer holds without the others: resource limits, landlock (no path, no TCP, no signals
//! outside), seccomp (a short list of system calls). A layer that this system lacks is named in
//! the isolation that the parent is told.

use crate::frame::{Isolation, Request};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod syscalls;

/// Locks the process in for the rest of its life.
pub(crate) fn enter(request: &Request) -> Isolation {
    let missing = missing_layers(request);
    if missing.is_empty() {
        Isolation::Full
    } else {
        Isolation::Reduced(missing.join("; "))
    }
}

#[cfg(target_os = "linux")]
fn missing_layers(request: &Request) -> Vec<String> {
    linux::missing_layers(request)
}

#[cfg(not(target_os = "linux"))]
fn missing_layers(_request: &Request) -> Vec<String> {
    vec!["there is no sandbox on this system, only a separate process".to_owned()]
}
