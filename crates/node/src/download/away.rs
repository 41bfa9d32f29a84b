//! The games directory is away in the middle of a download: unplugged, unmounted, renamed. The
//! download waits until it is back, and goes on with what is there.

use std::{sync::Arc, time::Duration};

use lanspread_disk::{Disk, Place, vfs::EntryKind};
use lanspread_install::Slot;

use crate::{
    error::OperationError,
    jobs::{Job, JobPorts},
    snapshot::Phase,
};

/// Between two looks whether it is back: nothing tells of a mount.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Where a download lies, so that it is known again.
#[derive(Clone)]
pub(crate) struct Home {
    disk: Arc<dyn Disk>,
    games: Place,
    /// What the operation writes there.
    slot: Place,
    /// The volume of the games directory; `None` where the system does not tell.
    volume: Option<u64>,
}

impl Home {
    pub(crate) async fn of(
        ports: &JobPorts,
        job: &Job,
        slot: Slot,
    ) -> Result<Self, OperationError> {
        let home = Self {
            disk: Arc::clone(&ports.disk),
            games: ports.games_dir(),
            slot: ports.game_root(&job.game).own(slot.name()),
            volume: None,
        };
        let looked = home.clone();
        let volume = ports.blocking(move || looked.present_volume()).await?;
        Ok(Self { volume, ..home })
    }

    /// Whether something failed because the directory is away.
    pub(crate) async fn is_away(
        &self,
        ports: &JobPorts,
        error: &OperationError,
    ) -> Result<bool, OperationError> {
        if let OperationError::Cancelled | OperationError::Stopping = error {
            return Ok(false);
        }
        if let OperationError::GamesDirUnavailable(_) = error {
            return Ok(true);
        }
        Ok(!self.is_here(ports).await?)
    }

    /// Waits until it is back, and says so meanwhile.
    pub(crate) async fn until_back(
        &self,
        ports: &JobPorts,
        job: &Job,
    ) -> Result<(), OperationError> {
        tracing::warn!(games = %self.games, "the games directory is away: the download waits");
        job.enter(Phase::WaitingForGamesDir).await;
        loop {
            // People hear that it is away, and that it is back.
            let looked = ports.shelf.rescan().await;
            let known = !matches!(looked, Err(OperationError::GamesDirUnavailable(_)));
            if known && self.is_here(ports).await? {
                job.enter(Phase::Preparing).await;
                return Ok(());
            }
            tokio::select! {
                error = job.control.interrupted() => return Err(error),
                () = tokio::time::sleep(LOOK_INTERVAL) => {}
            }
        }
    }

    async fn is_here(&self, ports: &JobPorts) -> Result<bool, OperationError> {
        let home = self.clone();
        ports.blocking(move || home.look()).await
    }

    /// An empty directory below a mount is not the one that was there, the same disk at another
    /// time is.
    fn look(&self) -> bool {
        let is_dir = |place: &Place| {
            let stat = self.disk.stat(place).ok().flatten();
            stat.is_some_and(|stat| stat.kind == EntryKind::Directory)
        };
        is_dir(&self.games)
            && (is_dir(&self.slot) || self.volume.is_none() || self.present_volume() == self.volume)
    }

    fn present_volume(&self) -> Option<u64> {
        self.disk.space(&self.games).ok().map(|space| space.volume)
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "the test moves what was really written"
    )]

    use lanspread_disk::RealDisk;

    use super::*;

    #[test]
    fn away_is_gone_or_another_directory() {
        let dir = tempfile::tempdir().unwrap();
        let games = dir.path().join("games");
        let home = |volume| Home {
            disk: Arc::new(RealDisk::new()),
            games: Place::root(&games),
            slot: Place::root(&games.join("quake/.incoming")),
            volume,
        };
        assert!(!home(None).look());
        std::fs::create_dir(&games).unwrap();
        let here = home(None).present_volume();
        assert!(home(None).look() && home(here).look());
        // Another volume lies there, and it is not the disk at another time.
        let other = here.map(|volume| volume.wrapping_add(1));
        assert!(!home(other).look());
        std::fs::create_dir_all(games.join("quake/.incoming")).unwrap();
        assert!(home(other).look());
        std::fs::rename(&games, dir.path().join("elsewhere")).unwrap();
        assert!(!home(here).look());
    }
}
