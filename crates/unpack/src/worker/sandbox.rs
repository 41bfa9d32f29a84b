//! `enter`: what the worker gives up before it looks at an archive.
//!
//! Each layer holds without the others: resource limits, landlock (no path, no TCP, no signals
//! outside), seccomp (a short list of system calls). A layer that this system lacks is named in
//! the isolation that the parent is told. Windows has the first two, in the job object around it.

use crate::frame::{Isolation, Request};

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod syscalls;
#[cfg(windows)]
mod windows;

/// One thing that holds the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// It dies with its parent and cannot be traced.
    Process,
    /// Memory, open files, no new process, no core file.
    Limits,
    /// No path, no TCP.
    Landlock,
    /// A short list of system calls.
    Seccomp,
}

impl Layer {
    /// Every layer, in the order in which they are put on.
    pub const ALL: &'static [Self] = &[Self::Process, Self::Limits, Self::Landlock, Self::Seccomp];
}

/// Locks the process in for the rest of its life.
pub(crate) fn enter(request: &Request, layers: &[Layer]) -> Isolation {
    let missing: Vec<String> = layers
        .iter()
        .filter_map(|layer| put_on(*layer, request).err())
        .collect();
    if missing.is_empty() {
        Isolation::Full
    } else {
        Isolation::Reduced(missing.join("; "))
    }
}

#[cfg(target_os = "linux")]
fn put_on(layer: Layer, request: &Request) -> Result<(), String> {
    let outcome = match layer {
        Layer::Process => linux::detach().map_err(Into::into),
        Layer::Limits => linux::limit(request).map_err(Into::into),
        Layer::Landlock => linux::confine(),
        Layer::Seccomp => syscalls::restrict(),
    };
    outcome.map_err(|error| format!("no {layer:?}: {error}"))
}

#[cfg(windows)]
fn put_on(layer: Layer, _request: &Request) -> Result<(), String> {
    let held = match layer {
        Layer::Process => windows::is_tied(),
        Layer::Limits => windows::is_limited(),
        Layer::Landlock => {
            return Err("this user's files and the network are open to it".to_owned());
        }
        Layer::Seccomp => return Err("system calls are not restricted".to_owned()),
    };
    match held {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("no {layer:?}: the job object does not say so")),
        Err(error) => Err(format!("no {layer:?}: {error}")),
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
fn put_on(layer: Layer, _request: &Request) -> Result<(), String> {
    Err(format!("no {layer:?} on this system"))
}
