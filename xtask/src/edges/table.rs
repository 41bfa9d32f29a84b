//! The table of rooms: the one place that says who may import whom.

use super::metadata::Kind;

/// What a crate may import.
#[derive(Debug)]
pub(super) struct Room {
    /// The crate's name without `lanspread-`.
    pub(super) name: &'static str,
    /// Our crates that it may import.
    pub(super) imports: &'static [&'static str],
    /// Others' crates that it may import; any, when there is no list. With a list it is pure.
    pub(super) outsiders: Option<&'static [&'static str]>,
    /// Others' crates that would bring in what must not be there.
    banned: &'static [&'static str],
}

const SOCKETS: &[&str] = &[
    "mdns-sd",
    "quinn",
    "rustls",
    "socket2",
    "tokio",
    "tokio-rustls",
];
const FILES: &[&str] = &["notify", "redb"];
const SOCKETS_AND_FILES: &[&str] = &[
    "mdns-sd",
    "notify",
    "quinn",
    "redb",
    "rustls",
    "socket2",
    "tokio-rustls",
];

#[rustfmt::skip]
const ROOMS: &[Room] = &[
    pure("proto", &[], &[
        "blake3", "bytes", "postcard", "serde", "thiserror", "unicase", "unicode-normalization",
    ]),
    pure("install", &["proto"], &["postcard", "serde", "thiserror"]),
    pure("swarm", &["proto"], &["thiserror", "tracing"]),
    open("disk", &["proto", "install"], SOCKETS),
    open("net", &["proto"], FILES),
    open("unpack", &["proto"], SOCKETS),
    open("node", &["proto", "install", "swarm", "disk", "net", "unpack"], SOCKETS_AND_FILES),
    open("api", &["node", "proto"], SOCKETS_AND_FILES),
    open("demo", &["proto", "unpack", "node"], SOCKETS_AND_FILES),
    open("cli", &["api", "demo", "node", "proto", "unpack"], SOCKETS_AND_FILES),
    open("desktop", &["api", "node", "unpack"], SOCKETS_AND_FILES),
    open("sim", &["proto", "install", "swarm", "disk", "net", "unpack", "node"], &[]),
    open("hostile", &["proto", "install", "disk", "net", "unpack", "api"], &[]),
    open("lab", &[], &[]),
    open("scenarios", &["proto", "net", "unpack", "node", "api", "demo", "lab"], &[]),
    open("xtask", &["lab"], &[]),
];

const fn pure(
    name: &'static str,
    imports: &'static [&'static str],
    outsiders: &'static [&'static str],
) -> Room {
    Room {
        name,
        imports,
        outsiders: Some(outsiders),
        banned: &[],
    }
}

const fn open(
    name: &'static str,
    imports: &'static [&'static str],
    banned: &'static [&'static str],
) -> Room {
    Room {
        name,
        imports,
        outsiders: None,
        banned,
    }
}

/// The room of a crate.
pub(super) fn room(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

/// All rooms.
#[cfg(test)]
pub(super) fn rooms() -> &'static [Room] {
    ROOMS
}

impl Room {
    /// Whether files, clocks and sockets cannot be named in it.
    pub(super) const fn is_pure(&self) -> bool {
        self.outsiders.is_some()
    }

    /// Whether it may import another of our crates. The lab is there for everybody's tests, and a
    /// crate's tests may switch on its own features.
    pub(super) fn may_import(&self, other: &str, kind: Kind) -> bool {
        let tests = kind == Kind::Development;
        let lab = tests && other == "lab" && !self.is_pure();
        let itself = tests && other == self.name;
        lab || itself || self.imports.contains(&other)
    }

    /// Whether somebody else's crate has no place in it.
    pub(super) fn bans(&self, outsider: &str) -> bool {
        self.banned.contains(&outsider)
    }
}
