//! Listens to changes in the games directory; where that fails, the regular scan finds them. On a
//! disk of another machine nobody reports them: there a look is asked for more often.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use lanspread_disk::{Disk, Place, network, watch::GamesWatch};
use lanspread_proto::GameId;
use tokio_util::sync::CancellationToken;

use super::{Msg, ShelfPorts};
use crate::{actor::Mailbox, limits};

/// How long the listening thread waits before it looks whether it should end.
const BREATH: Duration = Duration::from_millis(500);

/// A thread that listens.
pub(super) struct Watching {
    stop: CancellationToken,
}

impl Watching {
    /// Starts listening.
    pub(super) fn start(ports: &ShelfPorts, games_dir: &Path) -> Self {
        let stop = ports.tasks.stop().child_token();
        let games = Place::root(games_dir);
        let (disk, mailbox) = (Arc::clone(&ports.disk), ports.mailbox.clone());
        let stopped = stop.clone();
        ports
            .tasks
            .spawn_blocking(tracing::debug_span!("watch"), move || {
                watch(disk.as_ref(), &games, &mailbox, &stopped);
                // Whoever keeps it starts it again.
                stopped.cancel();
            });
        Self { stop }
    }

    /// Starts again if it ended.
    pub(super) fn keep(&mut self, ports: &ShelfPorts, games_dir: &Path) {
        if self.stop.is_cancelled() && !ports.tasks.stop().is_cancelled() {
            *self = Self::start(ports, games_dir);
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn watch(disk: &dyn Disk, games: &Place, mailbox: &Mailbox<Msg>, stop: &CancellationToken) {
    if !matches!(disk.stat(games), Ok(Some(_))) {
        return;
    }
    if let Some(kind) = network::kind(&games.path()) {
        tracing::info!(
            kind,
            "the games are on a network disk: changes are looked for"
        );
        return look_often(limits::NETWORK_SCAN_INTERVAL, mailbox, stop);
    }
    match GamesWatch::start(disk, games) {
        Ok(watch) => listen(watch, disk, mailbox, stop),
        Err(error) => tracing::warn!(%error, "changes are found by the regular scan only"),
    }
}

/// Asks for a look again and again.
fn look_often(interval: Duration, mailbox: &Mailbox<Msg>, stop: &CancellationToken) {
    let mut next = Instant::now() + interval;
    while !stop.is_cancelled() {
        std::thread::sleep(BREATH.min(interval));
        if Instant::now() >= next {
            mailbox.blocking_send(Msg::AnyChanged);
            next = Instant::now() + interval;
        }
    }
}

fn listen(
    mut watch: GamesWatch,
    disk: &dyn Disk,
    mailbox: &Mailbox<Msg>,
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        let Some(changes) = watch.wait(disk, BREATH) else {
            continue;
        };
        if let Some(error) = &changes.error {
            tracing::debug!(%error, "watching is incomplete");
        }
        if changes.everything {
            mailbox.blocking_send(Msg::AnyChanged);
            continue;
        }
        for name in changes.games {
            let message = match GameId::parse(&name) {
                Ok(game) => Msg::Changed {
                    game,
                    directory: Some(name),
                },
                Err(_not_a_game) => Msg::AnyChanged,
            };
            mailbox.blocking_send(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::mailbox;

    #[test]
    fn a_network_disk_is_looked_at_again_and_again() {
        let (mailbox, mut inbox) = mailbox();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let looking = std::thread::spawn(move || {
            look_often(Duration::from_millis(1), &mailbox, &stopped);
        });
        for _ in 0..3 {
            assert!(matches!(inbox.blocking_recv(), Some(Msg::AnyChanged)));
        }
        stop.cancel();
        looking.join().unwrap();
    }
}
