//! One file per command: its arguments, whose comments are the help, and what it does.

pub(crate) mod cancel;
pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod doctor;
pub(crate) mod games;
pub(crate) mod get;
pub(crate) mod install;
pub(crate) mod kick;
pub(crate) mod limit;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod node;
pub(crate) mod pause;
pub(crate) mod peers;
pub(crate) mod publish;
pub(crate) mod queue;
pub(crate) mod remove;
pub(crate) mod rescan;
pub(crate) mod resume;
pub(crate) mod settings;
pub(crate) mod share;
pub(crate) mod status;
pub(crate) mod transfers;
pub(crate) mod uninstall;
pub(crate) mod update;
