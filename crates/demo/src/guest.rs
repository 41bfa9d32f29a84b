//! [`Fetch`]: the guest downloads and installs everything, and it is noted who delivered what.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lanspread_node::{
    NodeHandle, Notice, Snapshot,
    handle::{AfterDownload, GetRequest},
    snapshot::{OperationView, Phase},
};
use lanspread_proto::{GameId, PeerId};
use tokio::sync::{
    broadcast::error::{RecvError, TryRecvError},
    watch,
};

use crate::{
    error::DemoError,
    generate::Game,
    party::STALL_TIMEOUT,
    progress::{self, Progress},
    summary::GameSummary,
};

/// What the guest fetched.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// One for each game.
    pub(crate) games: Vec<GameSummary>,
    /// Until the last download ended.
    pub(crate) download: Duration,
    /// Until the last install ended.
    pub(crate) whole: Duration,
}

/// All downloads and installs of the guest.
pub(crate) struct Fetch<'a> {
    handle: NodeHandle,
    sources: [PeerId; 2],
    progress: &'a watch::Sender<Progress>,
    tracks: Vec<Track<'a>>,
    began: Instant,
}

/// One game on its way.
struct Track<'a> {
    game: &'a Game,
    /// Verified bytes that arrived from each source, counted chunk by chunk.
    arrived: [u64; 2],
    /// The same as the operation says it, which ends with the download and may be a little late.
    said: [u64; 2],
    started: Option<Instant>,
    downloaded: Option<Instant>,
    ended: Option<Instant>,
    /// Payload bytes downloaded plus payload bytes unpacked.
    done_bytes: u64,
}

impl<'a> Fetch<'a> {
    pub(crate) fn new(
        handle: NodeHandle,
        games: &'a [Game],
        sources: [PeerId; 2],
        progress: &'a watch::Sender<Progress>,
    ) -> Self {
        Self {
            handle,
            sources,
            progress,
            tracks: games.iter().map(Track::new).collect(),
            began: Instant::now(),
        }
    }

    /// Asks for all games and follows them to their end.
    pub(crate) async fn run(mut self) -> Result<Fetched, DemoError> {
        let mut notices = self.handle.notices();
        let mut views = self.handle.watch();
        for track in &self.tracks {
            self.ask_for(&track.game.id).await?;
        }
        let mut since = tokio::time::Instant::now();
        let mut done = 0;
        while self.tracks.iter().any(|track| track.ended.is_none()) {
            let next = async {
                tokio::select! {
                    notice = notices.recv() => Next::Notice(notice),
                    changed = views.changed() => Next::View(changed.is_ok()),
                }
            };
            match tokio::time::timeout_at(since + STALL_TIMEOUT, next).await {
                Ok(Next::Notice(Ok(notice))) => self.on_notice(&notice),
                // Notices are garnish: the operation says about the same.
                Ok(Next::Notice(Err(RecvError::Lagged(_)))) => {}
                Ok(Next::Notice(Err(RecvError::Closed)) | Next::View(false)) => {
                    return Err(DemoError::PeerStopped);
                }
                Ok(Next::View(true)) => {
                    let snapshot = Arc::clone(&views.borrow_and_update());
                    self.on_snapshot(&snapshot)?;
                }
                Err(_elapsed) => return Err(self.stalled()),
            }
            let now_done = self.tracks.iter().map(|track| track.done_bytes).sum();
            if now_done != done {
                done = now_done;
                since = tokio::time::Instant::now();
            }
        }
        loop {
            match notices.try_recv() {
                Ok(notice) => self.on_notice(&notice),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        Ok(self.fetched())
    }

    async fn ask_for(&self, game: &GameId) -> Result<(), DemoError> {
        let request = GetRequest {
            game: game.clone(),
            content: None,
            then: AfterDownload::Install,
            from: None,
        };
        let asked = self.handle.get(request).await;
        asked
            .map(|_operation| ())
            .map_err(|error| failed(game, error))
    }

    fn on_notice(&mut self, notice: &Notice) {
        if let Notice::ChunkFinished {
            game,
            peer: Some(peer),
            bytes,
            ..
        } = notice
            && let Some(track) = self.tracks.iter_mut().find(|track| track.game.id == *game)
            && let Some(source) = self.sources.iter().position(|source| source == peer)
            && let Some(arrived) = track.arrived.get_mut(source)
        {
            *arrived += u64::from(*bytes);
        }
    }

    fn on_snapshot(&mut self, snapshot: &Snapshot) -> Result<(), DemoError> {
        let mut busy = Vec::new();
        for track in &mut self.tracks {
            let view = snapshot
                .games
                .iter()
                .find(|view| view.game == track.game.id);
            let Some(operation) = view.and_then(|view| view.operation.as_ref()) else {
                continue;
            };
            track.on_operation(operation, &self.sources)?;
            let sources = operation.sources.iter().filter(|source| source.rate > 0);
            busy.extend(sources.map(|source| source.peer));
        }
        busy.sort_unstable();
        busy.dedup();
        self.progress.send_replace(Progress {
            phase: progress::Phase::Fetching,
            done_bytes: self.tracks.iter().map(|track| track.done_bytes).sum(),
            total_bytes: self.tracks.iter().map(|t| 2 * t.game.payload_bytes).sum(),
            rate: snapshot.me.down_rate,
            sources: busy.len(),
        });
        Ok(())
    }

    fn stalled(&self) -> DemoError {
        let open = self.tracks.iter().filter(|track| track.ended.is_none());
        DemoError::Stalled {
            doing: "the guest downloads and installs",
            open: open.map(|track| track.game.id.to_string()).collect(),
            after: STALL_TIMEOUT,
        }
    }

    fn fetched(&self) -> Fetched {
        let last = |at: fn(&Track<'_>) -> Option<Instant>| {
            let last = self.tracks.iter().filter_map(at).max();
            last.map_or(Duration::ZERO, |last| last - self.began)
        };
        Fetched {
            download: last(|track| track.downloaded),
            whole: last(|track| track.ended),
            games: self
                .tracks
                .iter()
                .map(|track| track.summary(self.began))
                .collect(),
        }
    }
}

/// What comes next.
enum Next {
    Notice(Result<Notice, RecvError>),
    View(bool),
}

impl<'a> Track<'a> {
    const fn new(game: &'a Game) -> Self {
        Self {
            game,
            arrived: [0; 2],
            said: [0; 2],
            started: None,
            downloaded: None,
            ended: None,
            done_bytes: 0,
        }
    }

    fn on_operation(
        &mut self,
        operation: &OperationView,
        sources: &[PeerId; 2],
    ) -> Result<(), DemoError> {
        let now = Instant::now();
        let payload = self.game.payload_bytes;
        let part = operation.done_bytes.min(payload);
        match &operation.phase {
            Phase::Failed(error) => return Err(failed(&self.game.id, error.clone())),
            Phase::Cancelled => {
                return Err(failed(
                    &self.game.id,
                    lanspread_node::OperationError::Cancelled,
                ));
            }
            Phase::Downloading => self.done_bytes = self.done_bytes.max(part),
            Phase::Committing => self.done_bytes = payload,
            Phase::Installing => {
                self.downloaded.get_or_insert(now);
                self.done_bytes = payload + part;
            }
            Phase::Done => {
                self.downloaded.get_or_insert(now);
                self.ended.get_or_insert(now);
                self.done_bytes = 2 * payload;
            }
            Phase::Queued
            | Phase::Paused
            | Phase::Preparing
            | Phase::Adopting
            | Phase::WaitingForSource
            | Phase::WaitingForGamesDir
            | Phase::CloseTheGame
            | Phase::Testing
            | Phase::Publishing
            | Phase::Verifying
            | Phase::Removing => {}
        }
        if operation.phase.is_fetching() {
            self.started.get_or_insert(now);
        }
        for (source, said) in sources.iter().zip(&mut self.said) {
            let views = operation.sources.iter().filter(|view| view.peer == *source);
            *said = views.map(|view| view.bytes).fold(*said, u64::max);
        }
        Ok(())
    }

    /// `began` is when everything was asked for: a small game may be done before it is first seen.
    fn summary(&self, began: Instant) -> GameSummary {
        let between = |from: Option<Instant>, to: Option<Instant>| match (from, to) {
            (Some(from), Some(to)) => to - from,
            _ => Duration::ZERO,
        };
        let [first, second] = self.arrived;
        let [said_first, said_second] = self.said;
        GameSummary {
            game: self.game.id.clone(),
            format: self.game.format,
            payload_bytes: self.game.payload_bytes,
            delivered: [first.max(said_first), second.max(said_second)],
            download: between(Some(self.started.unwrap_or(began)), self.downloaded),
            install: between(self.downloaded, self.ended),
            files: self.game.files.len(),
        }
    }
}

fn failed(game: &GameId, source: lanspread_node::OperationError) -> DemoError {
    DemoError::Operation {
        game: game.clone(),
        source: Box::new(source),
    }
}
