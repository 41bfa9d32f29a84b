//! How a game is started: a [`Profile`] says which programs with which arguments, and which texts
//! are set once. Pure: it becomes a [`CommandLine`] here, and is carried out by others.
//!
//! Invariants: a command line is a list of arguments, never a text for a shell; a placeholder is
//! filled inside one argument and can neither end it nor begin another; nothing outside of `local/`
//! can be named.

mod fill;
mod profile;
mod records;
mod setting;

pub use fill::{Language, PlayerName, Template, TemplateError, Values};
pub use profile::{CommandLine, Profile, ProfileError, Program, Runner, Server, Setup, System};
pub use records::{Applied, Consents, SettingsApplied, SetupDone};
pub use setting::{Change, Decision, Known, Setting, decide};

/// Arguments of one program.
pub const ARGUMENTS_MAX: usize = 64;
/// Characters of one argument.
pub const ARGUMENT_CHARS_MAX: usize = 1_024;
/// Texts that one profile sets.
pub const SETTINGS_MAX: usize = 32;
/// Characters of one text that is set.
pub const SETTING_CHARS_MAX: usize = 16 * 1_024;
/// Bytes of a text file that a setting may change.
pub const SETTING_FILE_BYTES_MAX: u64 = 1 << 20;
/// Bytes of a record of settings or of a set-up.
pub const RECORD_BYTES_MAX: u64 = 64 * 1_024;
/// Profiles that a person agreed to and that are remembered; the oldest go first.
pub const CONSENTS_MAX: usize = 4_096;
/// Bytes of the file of consents.
pub const CONSENTS_BYTES_MAX: u64 = 256 * 1_024;
