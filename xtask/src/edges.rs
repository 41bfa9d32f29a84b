//! `cargo xtask edges`: who may import whom. Arrows go down the floors, never sideways, never up.
//!
//! ```text
//! 5 doors       cli  desktop
//! 4 reception   api  demo
//! 3 household   node
//! 2 hands       disk  net  unpack
//! 1 judgement   install  swarm        no_std
//! 0 agreement   proto                 no_std
//! outbuildings  sim  lab  scenarios  xtask: nothing shipped imports them
//! ```

mod metadata;
mod table;

use anyhow::Result;

use crate::repo::{Finding, Repo};
use metadata::{Dependency, Kind, Package};
use table::Room;

/// Checks the manifests of all crates, and the first lines of the pure ones.
pub(crate) fn check(repo: &Repo) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for package in metadata::packages(repo)? {
        found.extend(check_package(&package));
        if table::room(package.room()).is_some_and(Room::is_pure) {
            let path = format!("crates/{}/src/lib.rs", package.room());
            found.extend(check_pure(&path, &repo.read(&path)?));
        }
    }
    Ok(found)
}

fn check_package(package: &Package) -> Vec<Finding> {
    let manifest = package.manifest();
    let Some(room) = table::room(package.room()) else {
        let message = format!("`{}` has no floor; give it one in xtask", package.name);
        return vec![finding(&manifest, message)];
    };
    package
        .dependencies
        .iter()
        .filter_map(|dependency| check_edge(room, dependency))
        .map(|message| finding(&manifest, message))
        .collect()
}

/// What is wrong with one dependency of one room.
fn check_edge(room: &Room, dependency: &Dependency) -> Option<String> {
    let name = &dependency.name;
    if let Some(other) = dependency.our_room() {
        return (!room.may_import(other, dependency.kind))
            .then(|| format!("{} must not import {other}", room.name));
    }
    if dependency.kind == Kind::Development {
        return None;
    }
    if let Some(list) = room.outsiders {
        if !list.contains(&name.as_str()) {
            let list = list.join(", ");
            return Some(format!("{} may use only {list}; not {name}", room.name));
        }
        if dependency.uses_default_features {
            return Some(format!("{name} needs default-features = false here"));
        }
    }
    room.bans(name)
        .then(|| format!("{name} has no place in {}", room.name))
}

fn check_pure(path: &str, text: &str) -> Option<Finding> {
    let declared = text.lines().any(|line| line == "#![no_std]");
    let opened = text.lines().any(|line| line.contains("extern crate std"));
    (!declared || opened).then(|| {
        let message = "a pure crate is #![no_std], and names no std".to_string();
        finding(path, message)
    })
}

fn finding(path: &str, message: String) -> Finding {
    Finding {
        path: path.to_string(),
        line: 0,
        rule: "edges",
        message,
    }
}

#[cfg(test)]
mod tests;
