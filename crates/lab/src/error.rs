//! [`LabError`]: which command of the machine failed, and what it said.

use std::io;

use crate::available::Missing;

/// Why a lab cannot be built or used.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// This machine cannot hold a lab.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A program could not be started, or not awaited.
    #[error("running `{command}`: {source}")]
    Start {
        /// The program and its arguments.
        command: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A program failed.
    #[error("`{command}` failed: {said}")]
    Failed {
        /// The program and its arguments.
        command: String,
        /// What it wrote on stderr.
        said: String,
    },
    /// A program wrote something else than it should.
    #[error("`{command}` wrote what cannot be read: {wrote}")]
    Output {
        /// The program and its arguments.
        command: String,
        /// What it wrote.
        wrote: String,
    },
    /// A thread could not enter a host's namespace.
    #[error("entering {namespace}: {source}")]
    Enter {
        /// Which namespace.
        namespace: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The lab has no such host or network.
    #[error("the lab has no {0}")]
    None(String),
    /// The shape contradicts itself.
    #[error("no such lab can be built: {0}")]
    Shape(&'static str),
    /// Two hosts on one cable have no switch between them.
    #[error("this needs a switch, and the hosts are on one cable")]
    NoSwitch,
}
