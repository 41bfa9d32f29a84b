//! What the shelf tells everybody: peers, the exchange, and readers of the snapshot.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use lanspread_disk::content::PieceSource;
use lanspread_proto::ContentId;

use super::{Shelf, entry::ShareWish, looking::Hashing, place};
use crate::{
    exchange::Served, library::OwnGames, limits, snapshot::SharingState, views::ShelfView,
};

impl Shelf {
    fn sharing(&self) -> SharingState {
        match self.paused_until {
            Some(until) => SharingState::Paused(
                until.map(|until| until.saturating_duration_since(Instant::now())),
            ),
            None if self.ports.settings.borrow().share => SharingState::On,
            None => SharingState::Off,
        }
    }

    /// Tells everybody what is on the shelf now.
    pub(super) async fn publish(&mut self) {
        let sharing = self.sharing();
        let mut games = BTreeMap::new();
        let (mut own, mut serve) = (OwnGames::default(), Vec::new());
        for (game, entry) in &self.entries {
            let off = self.unshared.holds(game) || entry.wish == ShareWish::Keep;
            let shared = !off && sharing != SharingState::Off;
            entry.list(game, shared, &mut own);
            serve.extend(entry.served(game).filter(|_| shared));
            games.insert(game.clone(), entry.view(off, self.root(&entry.directory)));
        }
        for (game, port) in self.ports.play.borrow().serving() {
            let ours = own.offered.iter_mut().filter(|entry| entry.game == *game);
            ours.for_each(|entry| entry.set_hosts(port));
        }
        self.serve(serve).await;
        self.ports.library.set_local(own).await;
        self.ports.exchange.set_sharing(sharing).await;
        self.ports
            .peers
            .set_sharing(place::on_the_wire(sharing))
            .await;
        let blocked = self.entries.iter();
        let blocked = blocked.flat_map(|(game, entry)| entry.problems(game));
        let view = ShelfView {
            games,
            games_dir: self.games_dir.clone(),
            games_dir_state: self.state,
            is_listed: self.early.is_none(),
            sharing,
            hashing: self.hashing.as_ref().map(Hashing::view),
            problems: self.problems.iter().cloned().chain(blocked).collect(),
        };
        self.ports.view.send_replace(Arc::new(view));
        self.is_stale = false;
        self.publish_at = tokio::time::Instant::now() + limits::SNAPSHOT_INTERVAL;
    }

    /// Registers what is new, and withdraws what is no longer there. What a download serves is its
    /// own business.
    async fn serve(&mut self, serve: Vec<Served>) {
        let now: BTreeMap<ContentId, Arc<dyn PieceSource>> = serve
            .iter()
            .map(|served| (served.manifest.content(), Arc::clone(&served.source)))
            .collect();
        for content in self
            .served
            .keys()
            .filter(|content| !now.contains_key(content))
        {
            self.ports.exchange.withdraw(*content).await;
        }
        for served in serve {
            let before = self.served.get(&served.manifest.content());
            if !before.is_some_and(|before| Arc::ptr_eq(before, &served.source)) {
                self.ports.exchange.serve(served).await;
            }
        }
        self.served = now;
    }
}
