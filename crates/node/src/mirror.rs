//! Keeps the newest version of every game that somebody shares, within bounds: what is decided by
//! [`lanspread_swarm::mirror`] is carried out with the same downloads that people ask for.
//!
//! Invariant: only what the mirror fetched itself is replaced, nothing is installed, nothing is
//! taken away. What it fetched is known by content: bytes of another hand are never its own.

mod records;
mod standing;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use lanspread_disk::{Disk, atomic_file, state::StateDir};
use lanspread_proto::{ContentId, GameId};
use lanspread_swarm::mirror::{Bounds, Plan, Verdict, plan};
use tokio::sync::{oneshot, watch};

use self::{
    records::{Owned, Records},
    standing::{Rest, Scene},
};
use crate::{
    actor::Tasks,
    clock::Clock,
    config::{MirrorSettings, Settings},
    folders,
    games::GamesHandle,
    handle::{AfterDownload, GetRequest},
    restart::{Failure, Part, Parts},
    saves::{SavedFile, Saves},
    snapshot::{Component, GamesDirState, MirrorView, OperationId, Phase},
    views::{LibraryView, OperationsView, ShelfView, Watched},
};

/// Free space is asked for, and rest is looked at, this often.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// What happens within so long is looked at once.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a game rests that failed; twice as long each time, up to [`REST_MAX`].
const REST: Duration = Duration::from_secs(60);
/// See [`REST`]; also how long a game rests whose download a person cancelled.
const REST_MAX: Duration = Duration::from_secs(3_600);

/// What the mirror needs of others.
#[derive(Debug, Clone)]
pub(crate) struct MirrorPorts {
    pub(crate) tasks: Tasks,
    pub(crate) clock: Clock,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) state: StateDir,
    pub(crate) games: GamesHandle,
    pub(crate) library: Watched<LibraryView>,
    pub(crate) shelf: Watched<ShelfView>,
    pub(crate) operations: Watched<OperationsView>,
    pub(crate) settings: watch::Receiver<Settings>,
}

/// The actor.
pub(crate) struct Mirror {
    ports: MirrorPorts,
    /// Read when they are first needed.
    records: Option<Records>,
    resting: BTreeMap<GameId, Rest>,
    begun: Option<Begun>,
    saves: Saves,
    view: watch::Sender<Arc<MirrorView>>,
}

/// The download that was asked for last.
#[derive(Debug, Clone)]
struct Begun {
    game: GameId,
    content: ContentId,
    operation: OperationId,
}

impl Part for Mirror {
    const COMPONENT: Component = Component::Mirror;

    async fn run(&mut self) -> Failure {
        let mut is_on = self.take_in().await;
        while self.until_news(is_on).await {
            is_on = self.take_in().await;
        }
        Failure::Ended
    }
}

impl Mirror {
    /// Starts the actor.
    pub(crate) fn start(parts: &Parts, ports: MirrorPorts, view: watch::Sender<Arc<MirrorView>>) {
        let tasks = ports.tasks.clone();
        let file = SavedFile {
            disk: Arc::clone(&ports.disk),
            place: ports.state.place(),
            name: records::NAME,
        };
        let mirror = Self {
            saves: Saves::start(&tasks, file, |_, _| {}),
            ports,
            records: None,
            resting: BTreeMap::new(),
            begun: None,
            view,
        };
        parts.keep(&tasks, mirror);
    }

    /// Does what the settings say now; whether that is anything.
    async fn take_in(&mut self) -> bool {
        let settings = self.ports.settings.borrow_and_update().mirror;
        if settings.on {
            self.look(settings).await;
        } else {
            self.show(MirrorView::default());
        }
        settings.on
    }

    /// Looks at everything once and begins at most one download.
    async fn look(&mut self, settings: MirrorSettings) {
        if self.records.is_none() {
            self.records = Some(self.read_records().await);
        }
        let free_bytes = self.free_bytes().await;
        let Some((plan, targets)) = self.decide(settings, free_bytes) else {
            return;
        };
        self.show(shown(settings, &plan));
        let next = plan.next().and_then(|game| targets.get_key_value(game));
        if let Some((game, target)) = next {
            self.fetch(game, *target).await;
        }
    }

    /// What is to be done, and which content of each game would be fetched; nothing while it is not
    /// known what lies here.
    fn decide(
        &mut self,
        settings: MirrorSettings,
        free_bytes: Option<u64>,
    ) -> Option<(Plan, BTreeMap<GameId, Owned>)> {
        let shelf = Arc::clone(&self.ports.shelf.borrow_and_update());
        let operations = Arc::clone(&self.ports.operations.borrow_and_update());
        let library = Arc::clone(&self.ports.library.borrow_and_update());
        if !shelf.is_listed || shelf.games_dir_state == GamesDirState::Unavailable {
            return None;
        }
        self.note_end(&operations);
        let records = self.records.as_mut()?;
        if records.see(|game| shelf.games.get(game).map(|game| &game.local)) {
            self.saves.write(records.text());
        }
        let scene = Scene {
            merged: &library.merged,
            locals: (shelf.games.iter())
                .map(|(game, here)| (game, &here.local))
                .collect(),
            operations: &operations.operations,
            records,
            resting: &self.resting,
            now: self.ports.clock.now(),
        };
        let (candidates, targets) = scene.candidates();
        let bounds = Bounds {
            quota_bytes: settings.quota_bytes,
            free_min_bytes: settings.free_min_bytes,
            free_bytes,
        };
        Some((plan(bounds, &candidates), targets))
    }

    /// Takes in how the last download ended.
    fn note_end(&mut self, operations: &OperationsView) {
        let Some(begun) = &self.begun else { return };
        let operation = operations.operations.get(&begun.game);
        let phase = operation
            .filter(|operation| operation.operation == begun.operation)
            .map(|operation| &operation.phase);
        match phase {
            Some(phase) if !phase.is_end() => return,
            Some(Phase::Failed(_)) => self.rest(begun.game.clone(), begun.content, REST),
            Some(Phase::Cancelled) => self.rest(begun.game.clone(), begun.content, REST_MAX),
            Some(_) => drop(self.resting.remove(&begun.game)),
            None => {}
        }
        self.begun = None;
    }

    fn rest(&mut self, game: GameId, content: ContentId, least: Duration) {
        let before = self.resting.get(&game).filter(|r| r.content == content);
        let failures = before.map_or(0, |before| before.failures.saturating_add(1));
        let rest = rest_after(failures).max(least);
        let until = self.ports.clock.now() + rest;
        tracing::info!(%game, ?rest, "the mirror leaves a game for a while");
        let rest = Rest {
            until,
            content,
            failures,
        };
        self.resting.insert(game, rest);
    }

    /// Written down first: what is fetched is then known to be the mirror's.
    async fn fetch(&mut self, game: &GameId, target: Owned) {
        if let Some(records) = &mut self.records {
            records.begin(game, target);
            self.saves.write(records.text());
        }
        let request = GetRequest {
            game: game.clone(),
            content: Some(target.content),
            then: AfterDownload::Keep,
            from: None,
        };
        match self.ports.games.get(request).await {
            Ok(operation) => {
                self.begun = Some(Begun {
                    game: game.clone(),
                    content: target.content,
                    operation,
                });
            }
            Err(error) => {
                tracing::warn!(%game, %error, "the mirror cannot fetch a game");
                self.rest(game.clone(), target.content, REST);
            }
        }
    }

    fn show(&self, view: MirrorView) {
        self.view.send_if_modified(|shown| {
            let changed = **shown != view;
            if changed {
                *shown = Arc::new(view);
            }
            changed
        });
    }

    /// Waits for something that may change the plan; `false` when nobody says anything any more.
    async fn until_news(&mut self, is_on: bool) -> bool {
        let ports = &mut self.ports;
        if !is_on {
            return ports.settings.changed().await.is_ok();
        }
        let changed = async {
            tokio::select! {
                changed = ports.settings.changed() => changed.is_ok(),
                changed = ports.library.changed() => changed.is_ok(),
                changed = ports.shelf.changed() => changed.is_ok(),
                changed = ports.operations.changed() => changed.is_ok(),
            }
        };
        let heard = tokio::time::timeout(LOOK_INTERVAL, changed).await;
        tokio::time::sleep(PAUSE).await;
        heard.unwrap_or(true)
    }

    async fn free_bytes(&self) -> Option<u64> {
        let folder = self.ports.shelf.borrow().games_dir.clone();
        let volume = self.blocking(move || folders::volume(&folder)).await;
        volume.flatten().map(|volume| volume.free_bytes)
    }

    async fn read_records(&self) -> Records {
        let (disk, state) = (Arc::clone(&self.ports.disk), self.ports.state.place());
        let read = move || {
            let place = state.own(records::NAME);
            atomic_file::read(disk.as_ref(), &place, records::BYTES_MAX)
        };
        match self.blocking(read).await {
            Some(Ok(bytes)) => Records::parse(&String::from_utf8_lossy(&bytes.unwrap_or_default())),
            Some(Err(error)) => {
                tracing::warn!(%error, "what the mirror fetched before is taken for yours");
                Records::default()
            }
            None => Records::default(),
        }
    }

    /// `None` when the node stops.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, told) = oneshot::channel();
        let span = tracing::debug_span!("mirror");
        // Whoever waited may have been started again.
        let work = move || drop(tell.send(work()));
        self.ports.tasks.spawn_blocking(span, work);
        told.await.ok()
    }
}

/// Longer each time.
fn rest_after(failures: u32) -> Duration {
    let doubled = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
    REST.saturating_mul(doubled).min(REST_MAX)
}

fn shown(settings: MirrorSettings, plan: &Plan) -> MirrorView {
    let mut view = MirrorView {
        on: settings.on,
        kept_bytes: plan.kept_bytes,
        ..MirrorView::default()
    };
    for (game, verdict) in &plan.verdicts {
        let counted = match verdict {
            Verdict::Kept => &mut view.kept_games,
            Verdict::Fetching | Verdict::Next => &mut view.fetching_games,
            Verdict::Waits => &mut view.waiting_games,
            Verdict::Foreign => &mut view.foreign_games,
            Verdict::OverQuota | Verdict::NoRoom | Verdict::Resting | Verdict::Unclear => {
                view.left.push((game.clone(), *verdict));
                continue;
            }
        };
        *counted += 1;
    }
    view
}

#[cfg(test)]
mod tests;
