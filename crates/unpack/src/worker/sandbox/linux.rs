//! The three layers on Linux. None of them needs privileges.

use std::{error::Error, io};

use landlock::{ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal, setrlimit};

use crate::frame::Request;

/// Open files: the three pipes, and landlock's own while it is set up.
const FILES_MAX: u64 = 64;

/// Dies with its parent, and cannot be traced or dumped.
pub(super) fn detach() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Not the file size: with standard error in a file, its first line would kill the worker.
pub(super) fn limit(request: &Request) -> io::Result<()> {
    let limits = [
        (Resource::As, request.address_space),
        (Resource::Nofile, FILES_MAX),
        (Resource::Nproc, 0),
        (Resource::Core, 0),
    ];
    for (resource, value) in limits {
        let most = rustix::process::getrlimit(resource)
            .maximum
            .unwrap_or(u64::MAX);
        let value = Some(value.min(most));
        setrlimit(
            resource,
            Rlimit {
                current: value,
                maximum: value,
            },
        )?;
    }
    Ok(())
}

/// No path, no TCP, no signal or abstract socket to anybody outside.
pub(super) fn confine() -> Result<(), Box<dyn Error>> {
    let abi = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => Ok(()),
        RulesetStatus::PartiallyEnforced => Err("the kernel knows only a part of it".into()),
        RulesetStatus::NotEnforced => Err("the kernel does not have it".into()),
    }
}
