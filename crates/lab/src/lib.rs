//! A LAN in a box: hosts, switches and cables made of Linux network namespaces, for scenario tests
//! and benches. Never shipped.
//!
//! ```text
//!   h1 eth0 ── p1-0 ┐             ┌ p4-0 ── eth0 h4      one namespace for each host,
//!   h2 eth0 ── p2-0 ┤ switch ═════ ┤ p5-0 ── eth0 h5      one for all switches
//!   h3 eth0 ── p3-0 ┘   uplink     └ p6-0 ── eth0 h6
//! ```
//!
//! Host *n* has on network *k* the interface `eth<k>`, 10.77.k.n/24, fd77:0:0:k::n/64 and a
//! link-local address made of its MAC address. A limit is a `tbf` at both ends of the cable. There
//! is no way out: the machine's own interfaces, addresses and routes are never touched.
//!
//! **Invariant:** a [`Lab`] ends only what runs in its own namespaces, and removes only those.
//!
//! **Deliberately not here:** anything about LanSpread. The lab runs programs.
//!
//! A veth has no wire: no propagation delay, no loss but the queues'. All hosts share the machine's
//! cores: look at the load before believing a rate.
#![cfg(target_os = "linux")]

pub mod available;
pub mod config;
pub mod counters;
pub mod error;
pub mod firewall;
pub mod host;
mod lab;
mod names;
pub mod ping;
pub mod process;
mod tool;

pub use available::{Missing, skip, usable};
pub use config::{Addressing, LabConfig, Rate, Wiring};
pub use counters::Counters;
pub use error::LabError;
pub use firewall::Rule;
pub use host::Host;
pub use lab::Lab;
pub use ping::{PingSeries, RoundTrips};
pub use process::Process;
