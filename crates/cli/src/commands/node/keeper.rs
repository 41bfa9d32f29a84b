//! Writes `config.toml` when settings of the running node change: the node itself reads and writes
//! no settings, and whoever changes them (terminal, web, script) asks the node.

use std::{path::PathBuf, sync::Arc, time::Duration};

use lanspread_api::Report;
use lanspread_node::Snapshot;
use tokio::sync::{mpsc, oneshot, watch};

use crate::settings::{Effective, SettingsFile};

/// Who asks for the settings to be written hears here whether they are.
pub(crate) type Written = oneshot::Sender<Result<(), Report>>;

/// What could not be written is tried again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(30);

/// What is written, and where.
pub(super) struct Keeper {
    /// What the file says, with flags and environment.
    kept: Effective,
    /// What was last tried.
    tried: Effective,
    state: PathBuf,
}

impl Keeper {
    pub(super) fn new(started_with: Effective, state: PathBuf) -> Self {
        Self {
            tried: started_with.clone(),
            kept: started_with,
            state,
        }
    }

    /// Follows the snapshots until the node is gone.
    pub(super) async fn keep(
        mut self,
        mut snapshots: watch::Receiver<Arc<Snapshot>>,
        mut asked: mpsc::Receiver<Written>,
    ) {
        let mut again = tokio::time::interval(AGAIN_AFTER);
        loop {
            let written = tokio::select! {
                changed = snapshots.changed() => match changed {
                    Ok(()) => None,
                    Err(_gone) => return,
                },
                Some(written) = asked.recv() => Some(written),
                _ = again.tick() => {
                    self.tried.clone_from(&self.kept);
                    None
                }
            };
            let now = effective(&snapshots.borrow_and_update());
            match written {
                // Whoever asked may have gone.
                Some(written) => drop(written.send(self.write(now))),
                None if now != self.tried => self.log(now),
                None => {}
            }
        }
    }

    fn log(&mut self, now: Effective) {
        if let Err(report) = self.write(now) {
            tracing::error!(%report, "settings");
        }
    }

    /// What cannot be written stays to be written.
    fn write(&mut self, now: Effective) -> Result<(), Report> {
        if now != self.kept {
            self.tried = now.clone();
            SettingsFile::read(&self.state)
                .and_then(|mut file| {
                    file.absorb(&self.kept, &now);
                    file.write(&self.state)
                })
                .map_err(not_kept)?;
            self.kept = now;
        }
        Ok(())
    }
}

fn not_kept(report: Report) -> Report {
    Report {
        message: format!(
            "it holds until the program ends, and is not written down: {}",
            report.message
        ),
        ..report
    }
}

fn effective(snapshot: &Snapshot) -> Effective {
    Effective {
        name: snapshot.me.name.clone(),
        games_dir: snapshot.me.games_dir.clone(),
        settings: snapshot.settings.clone(),
    }
}

#[cfg(test)]
mod tests {
    use lanspread_proto::text::PeerName;

    use super::*;
    use crate::files;

    #[test]
    fn what_cannot_be_written_is_said_and_written_later() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let before = Effective {
            name: PeerName::clean("Box"),
            games_dir: dir.path().join("games"),
            settings: lanspread_node::config::Settings::default(),
        };
        let now = Effective {
            name: PeerName::clean("Cube"),
            ..before.clone()
        };
        let mut keeper = Keeper::new(before, state.clone());
        let refused = keeper.write(now.clone()).unwrap_err();
        assert_eq!(refused.code, "state-dir");
        assert!(refused.message.contains("not written down"), "{refused}");
        files::create_private_dir(&state).unwrap();
        keeper.write(now.clone()).unwrap();
        let kept = SettingsFile::read(&state).unwrap();
        assert_eq!(kept.name.as_deref(), Some("Cube"));
        assert!(keeper.kept == now && keeper.tried == now);
    }
}
