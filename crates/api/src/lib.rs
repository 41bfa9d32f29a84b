//! The reception: what programs outside the process may see of a node and ask of it.
//!
//! ```text
//!   HTTP (http, auth, sse, pages)    lines of JSON (cli)    desktop shell
//!             └──────────────────────┼────────────────────────┘
//!                 reception: the node, once there is one, and what is around it
//!                    rpc: one dispatch, typed replies     doorkeeper: browsers
//!                       types <- from_node     error <- hints
//!                                  NodeHandle
//! ```
//!
//! **Deliberately not here:** policy (the node decides), files, printing. A path in a command is a
//! path on the machine of the node.

pub mod address;
pub mod amount;
mod auth;
mod browse;
pub mod client;
mod desk;
pub mod doctor;
mod doorkeeper;
pub mod error;
mod from_node;
pub mod front;
pub mod handout;
pub mod hints;
mod history;
pub mod host_name;
pub mod household;
pub mod http;
mod limit;
pub mod pages;
pub mod pairing;
pub mod reception;
mod rpc;
mod sse;
pub mod types;

pub use auth::{Admits, Token};
pub use client::{ApiFile, Client};
pub use doorkeeper::Doorkeeper;
pub use error::{Kind, Report};
pub use hints::Language;
pub use host_name::HostName;
pub use household::Household;
pub use http::Server;
pub use reception::Reception;
pub use types::{Command, Notice, Reply, SettingsChange, Snapshot};
