//! The reception: what programs outside the process may see of a node and ask of it.
//!
//! ```text
//!   HTTP (http, auth, sse)     lines of JSON (cli)      desktop shell
//!             └──────────────────────┼────────────────────────┘
//!                          rpc: one dispatch, typed replies
//!                       types <- from_node     error <- hints
//!                                  NodeHandle
//! ```
//!
//! **Deliberately not here:** policy (the node decides), files, printing. A path in a command is a
//! path on the machine of the node.

pub mod address;
pub mod amount;
mod auth;
pub mod client;
pub mod error;
mod from_node;
pub mod hints;
pub mod household;
pub mod http;
mod limit;
pub mod rpc;
mod sse;
pub mod types;

pub use auth::Token;
pub use client::{ApiFile, Client};
pub use error::{Kind, Report};
pub use hints::Language;
pub use household::Household;
pub use http::Server;
pub use types::{Command, Notice, Reply, SettingsChange, Snapshot};
