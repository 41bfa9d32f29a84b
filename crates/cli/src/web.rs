//! [`WebFile`]: what pages need to find us again after a restart: the port, and who may come in.

use std::path::{Path, PathBuf};

use lanspread_api::{Report, pairing::Sessions};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::files;

/// What `web.json` in the state directory holds; readable by this user only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct WebFile {
    /// Where the control server listened last.
    pub(crate) port: Option<u16>,
    /// Hashes of the secrets of paired browsers.
    pub(crate) sessions: Sessions,
}

impl WebFile {
    fn path(state: &Path) -> PathBuf {
        state.join("web.json")
    }

    /// Reads the file. One that cannot be understood is a reason to pair again, not to stay out.
    pub(crate) fn read(state: &Path) -> Self {
        let read = files::read_text(&Self::path(state)).map(Option::unwrap_or_default);
        let text = read.unwrap_or_else(|report| {
            tracing::warn!(%report, "paired browsers are forgotten");
            String::new()
        });
        if text.is_empty() {
            return Self::default();
        }
        serde_json::from_str(&text).unwrap_or_else(|error| {
            tracing::warn!(%error, "web.json is damaged: paired browsers are forgotten");
            Self::default()
        })
    }

    fn write(&self, state: &Path) -> Result<(), Report> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        files::write_text(&Self::path(state), &text)
    }
}

/// Writes down who may come in, now and with each change, until the doorkeeper is gone.
pub(crate) async fn keep(port: u16, mut sessions: watch::Receiver<Sessions>, state: PathBuf) {
    let mut written = WebFile::read(&state);
    loop {
        let now = WebFile {
            port: Some(port),
            sessions: sessions.borrow_and_update().clone(),
        };
        if now != written {
            if let Err(report) = now.write(&state) {
                tracing::error!(%report, "browsers must be paired again after a restart");
            }
            written = now;
        }
        if sessions.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_forgotten() {
        let state = tempfile::tempdir().unwrap();
        assert_eq!(WebFile::read(state.path()), WebFile::default());
        let file = WebFile {
            port: Some(7),
            sessions: serde_json::from_str(r#"["ab"]"#).unwrap(),
        };
        file.write(state.path()).unwrap();
        assert_eq!(WebFile::read(state.path()), file);
        files::write_text(&WebFile::path(state.path()), "{").unwrap();
        assert_eq!(WebFile::read(state.path()), WebFile::default());
    }
}
