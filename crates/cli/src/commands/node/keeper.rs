//! Writes `config.toml` when settings of the running node change: the node itself reads and writes
//! no settings, and whoever changes them (terminal, web, script) asks the node.

use std::{path::PathBuf, sync::Arc};

use lanspread_node::Snapshot;
use tokio::sync::watch;

use crate::settings::{Effective, SettingsFile};

/// Follows the snapshots until the node is gone.
pub(super) async fn keep(
    mut snapshots: watch::Receiver<Arc<Snapshot>>,
    started_with: Effective,
    state: PathBuf,
) {
    let mut before = started_with;
    loop {
        let now = effective(&snapshots.borrow_and_update());
        if now != before {
            write(&before, &now, &state);
            before = now;
        }
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}

fn effective(snapshot: &Snapshot) -> Effective {
    Effective {
        name: snapshot.me.name.clone(),
        games_dir: snapshot.me.games_dir.clone(),
        settings: snapshot.settings.clone(),
    }
}

fn write(before: &Effective, now: &Effective, state: &std::path::Path) {
    let written = SettingsFile::read(state).and_then(|mut file| {
        file.absorb(before, now);
        file.write(state)
    });
    if let Err(report) = written {
        tracing::error!(%report, "the settings are not remembered over a restart");
    }
}
