//! Launch profiles on disk: `[play]` as people write it, the texts that a profile sets in `local/`,
//! and what is remembered of all that.

mod applying;
mod records;
mod written;

pub use applying::{Installation, SettingsReport, apply_settings, mark_executable};
pub use records::{forget, load_consents, load_setup_done, save_consents, save_setup_done};
pub use written::{LaunchError, WrittenProfile};
