//! One download: carries out what `swarm::Download` decides.
//!
//! Invariant: the scheduler decides alone which piece is asked of whom; this actor only knows on
//! which lane it was asked, and tells back what became of it.

mod arrivals;
mod asking;
mod delivered;
mod holders;
pub(crate) mod lane;
mod paths;
pub(crate) mod reader;
mod reading;
mod sources;
pub(crate) mod store;
mod view;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use lanspread_disk::partial::StoreError;
use lanspread_net::lane::Lane;
use lanspread_proto::{
    ContentId, GameId, Manifest, PeerId, PieceIndex, PieceSet,
    wire::{
        LinkMessage,
        link::{InterestState, PieceRef},
    },
};
use lanspread_swarm::{
    Liars, ReadAhead,
    credit::LaneId,
    download::{Download, DownloadAction, SourceState},
    time::Instant,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

pub(crate) use self::{arrivals::chunks_finished, view::TransferView};
use self::{
    delivered::Delivered,
    lane::Refusal,
    paths::Asked,
    reader::{ReadOrder, SwarmReader},
    reading::{PieceBytes, Reading},
    sources::Sources,
    store::{Arrived, Store},
    view::view_of,
};
use crate::{
    actor::{Mailbox, Tasks, mailbox},
    buffers::Buffers,
    clock::Clock,
    credit::{CreditHandle, sleep_until},
    exchange,
    lanes::LaneNumbers,
    notice::Notice,
    pace::Pace,
    peers::PeersHandle,
    pieces::Pieces,
    views::{LibraryView, PathInfo, PeersView},
};

/// How often what arrived is counted and shown.
const COUNT_INTERVAL: Duration = Duration::from_millis(50);

/// What a download is told.
#[derive(Debug)]
pub(crate) enum Msg {
    /// A link is up.
    PeerUp { peer: PeerId },
    /// A link is down.
    PeerDown { peer: PeerId },
    /// What a peer says of its pieces.
    FromPeer { peer: PeerId, message: LinkMessage },
    /// A lane that was asked for.
    LaneOpened { peer: PeerId, lane: Option<Lane> },
    /// One over a better address than that of a lane that is there.
    BetterLane {
        peer: PeerId,
        than: LaneId,
        lane: Lane,
        path: PathInfo,
    },
    /// It closed.
    LaneClosed { peer: PeerId, lane: LaneId },
    /// Bytes of a piece arrived.
    Bytes {
        peer: PeerId,
        lane: LaneId,
        piece: PieceIndex,
        bytes: u32,
    },
    /// A piece arrived and was stored, or not.
    Arrived(Arrived),
    /// A sender will not send.
    Refused {
        peer: PeerId,
        lane: LaneId,
        piece: PieceIndex,
        refusal: Refusal,
    },
    /// A checkpoint ended.
    Checkpointed(Result<(), Arc<StoreError>>),
    /// The person pauses or resumes.
    SetPaused { paused: bool },
    /// The reader needs the piece at a place of its order.
    Read {
        at: usize,
        reply: oneshot::Sender<PieceBytes>,
    },
}

/// What every download of a node shares.
#[derive(Clone)]
pub(crate) struct TransferPorts {
    pub(crate) tasks: Tasks,
    pub(crate) clock: Clock,
    pub(crate) pieces: Pieces,
    pub(crate) buffers: Buffers,
    pub(crate) credit: CreditHandle,
    pub(crate) pace: Pace,
    pub(crate) numbers: LaneNumbers,
    pub(crate) peers: PeersHandle,
    pub(crate) exchange: Mailbox<exchange::Msg>,
    pub(crate) library: watch::Receiver<Arc<LibraryView>>,
    pub(crate) peers_view: watch::Receiver<Arc<PeersView>>,
    pub(crate) liars: watch::Receiver<Liars>,
    pub(crate) notices: broadcast::Sender<Notice>,
}

/// What is to be fetched, and into what.
pub(crate) struct TransferJob {
    pub(crate) game: GameId,
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) store: Arc<Store>,
    pub(crate) have: PieceSet,
    /// How a reader will go through it; `None` where it is fetched as a whole.
    pub(crate) reads: Option<ReadAhead>,
}

/// A running download.
pub(crate) struct TransferHandle {
    mailbox: Mailbox<Msg>,
    tasks: Tasks,
    pub(crate) view: watch::Receiver<TransferView>,
    /// Told when every piece is stored, or the disk failed.
    pub(crate) end: oneshot::Receiver<Result<(), Arc<StoreError>>>,
}

impl TransferHandle {
    /// The door for the thread that reads; the transfer was started with the same order.
    pub(crate) fn reader(&self, order: ReadOrder) -> SwarmReader {
        SwarmReader::new(order, self.mailbox.clone())
    }

    /// Pauses or resumes.
    pub(crate) async fn set_paused(&self, paused: bool) {
        self.mailbox.send(Msg::SetPaused { paused }).await;
    }
}

impl Drop for TransferHandle {
    /// A download that nobody waits for stops.
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// The actor.
pub(crate) struct Transfer {
    ports: TransferPorts,
    game: GameId,
    manifest: Arc<Manifest>,
    download: Download,
    /// There when a reader waits for the pieces.
    reading: Option<Reading>,
    delivered: Delivered,
    sources: Sources,
    /// Each open request.
    asked: BTreeMap<(PeerId, PieceIndex), Asked>,
    /// Payload bytes that the exchange has not heard of.
    received: BTreeMap<PeerId, u64>,
    /// Stored pieces that the exchange has not heard of.
    verified: Vec<PieceIndex>,
    /// Senders of bad chunks that the exchange has not heard of.
    lied: Vec<PeerId>,
    /// When a lane said that its sender paused.
    paused_at: BTreeMap<PeerId, Instant>,
    store: Arc<Store>,
    checkpointing: bool,
    mailbox: Mailbox<Msg>,
    view: watch::Sender<TransferView>,
    end: Option<oneshot::Sender<Result<(), Arc<StoreError>>>>,
}

impl Transfer {
    /// Starts fetching.
    pub(crate) fn start(mut ports: TransferPorts, job: TransferJob) -> TransferHandle {
        let (mailbox, inbox) = mailbox();
        let (end_tx, end) = oneshot::channel();
        let tasks = ports.tasks.child();
        ports.tasks = tasks.clone();
        let now = ports.clock.now();
        let sizes: Vec<u32> = job
            .manifest
            .geometry()
            .pieces()
            .map(|piece| piece.bytes)
            .collect();
        let delivered = Delivered::new(sizes.len());
        let who = (ports.peers_view.borrow().me, crate::random::seed());
        let reading = job.reads.map(|reads| Reading::new(reads, job.have.clone()));
        let download = match &reading {
            None => Download::new(now, who, sizes, job.have),
            Some(_) => Download::on_demand(now, who, sizes),
        };
        let (view_tx, view) = watch::channel(view_of(&download, (&delivered, None), now));
        let content = job.manifest.content();
        let span = tracing::info_span!("transfer", game = %job.game, content = %content.short());
        let interest = match &reading {
            None => InterestState::Serving,
            Some(_) => InterestState::TakingOnly,
        };
        let to = (Arc::clone(&job.store), interest);
        let sources = Sources::new(content, to, mailbox.clone());
        let transfer = Self {
            ports,
            game: job.game,
            manifest: job.manifest,
            download,
            reading,
            delivered,
            sources,
            asked: BTreeMap::new(),
            received: BTreeMap::new(),
            verified: Vec::new(),
            lied: Vec::new(),
            paused_at: BTreeMap::new(),
            store: job.store,
            checkpointing: false,
            mailbox: mailbox.clone(),
            view: view_tx,
            end: Some(end_tx),
        };
        tasks.spawn(span, transfer.run(inbox));
        TransferHandle {
            mailbox,
            tasks,
            view,
            end,
        }
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Msg>) {
        let content = self.content();
        let exchange = self.ports.exchange.clone();
        let stop = self.ports.tasks.stop().clone();
        let transfer = self.mailbox.clone();
        exchange
            .send(exchange::Msg::Fetch { content, transfer })
            .await;
        self.learn_holders();
        let mut count = tokio::time::interval(COUNT_INTERVAL);
        count.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while self.end.is_some() {
            let due = self
                .download
                .poll_timeout()
                .map(|due| self.ports.clock.at(due));
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                message = inbox.recv() => match message {
                    Some(message) => self.on_message(message),
                    None => break,
                },
                Ok(()) = self.ports.library.changed() => self.learn_holders(),
                Ok(()) = self.ports.peers_view.changed() => self.learn_holders(),
                _ = count.tick() => self.on_count(),
                () = sleep_until(due) => self.download.on_timeout(self.ports.clock.now()),
            }
            self.act();
        }
        self.say_goodbye();
        let transfer = self.mailbox.clone();
        exchange
            .send(exchange::Msg::FetchEnded { content, transfer })
            .await;
    }

    fn content(&self) -> ContentId {
        self.manifest.content()
    }

    fn on_message(&mut self, message: Msg) {
        match message {
            Msg::PeerUp { peer } => self.learn_holder(peer),
            Msg::PeerDown { peer } => self.on_peer_down(peer),
            Msg::FromPeer { peer, message } => self.on_peer_message(peer, message),
            Msg::LaneOpened { peer, lane } => self.on_lane_opened(peer, lane),
            Msg::BetterLane {
                peer,
                than,
                lane,
                path,
            } => self.on_better_lane(peer, than, (lane, path)),
            Msg::LaneClosed { peer, lane } => self.on_lane_closed(peer, lane),
            Msg::Bytes {
                peer,
                lane,
                piece,
                bytes,
            } => {
                let now = self.ports.clock.now();
                self.sources.heard(peer, lane, now);
                let asked = self.asked.get_mut(&(peer, piece));
                if let Some(asked) = asked.filter(|asked| asked.lane == lane) {
                    asked.begun = true;
                }
                self.download.on_bytes(now, peer, piece, bytes);
                *self.received.entry(peer).or_default() += u64::from(bytes);
            }
            Msg::Arrived(arrived) => self.on_arrived(arrived),
            Msg::Refused {
                peer,
                lane,
                piece,
                refusal,
            } => self.on_refused((peer, piece), lane, refusal),
            Msg::Checkpointed(result) => {
                self.checkpointing = false;
                if let Err(error) = result {
                    self.finish(Err(error));
                }
            }
            Msg::SetPaused { paused } => {
                self.download.set_paused(self.ports.clock.now(), paused);
            }
            Msg::Read { at, reply } => self.on_read(at, reply),
        }
    }

    fn on_peer_down(&mut self, peer: PeerId) {
        if self.sources.remove(peer) {
            self.asked.retain(|(asked, _), _| *asked != peer);
            self.download.on_peer_down(self.ports.clock.now(), peer);
            self.tell_if_all_gone();
        }
    }

    fn on_peer_message(&mut self, peer: PeerId, message: LinkMessage) {
        let now = self.ports.clock.now();
        if let LinkMessage::HaveMap(map) = message {
            let count = self.manifest.geometry().piece_count();
            if let Some(set) = self.sources.add_page(peer, &map, count) {
                self.download.on_have_map(now, peer, set);
            }
        } else if let LinkMessage::Have(have) = message {
            self.download
                .on_have(now, peer, &have.pieces, have.queued_bytes);
        } else if let LinkMessage::HaveNot(_) = message {
            self.download.on_have_not(now, peer);
        } else if let LinkMessage::HaveWanted(_) = message {
            self.download.on_pushing(now, peer);
        } else if let LinkMessage::Offer(offer) = message {
            self.download.on_offer(now, peer, offer.piece);
        } else if let LinkMessage::Sharing(sharing) = message {
            self.sources.set_sharing(peer, sharing);
            self.update_facts(peer);
        }
    }

    /// Counts what arrived since, and shows how it stands.
    fn on_count(&mut self) {
        let now = self.ports.clock.now();
        for (peer, bytes) in std::mem::take(&mut self.received) {
            self.ports
                .exchange
                .try_send(exchange::Msg::Received { peer, bytes });
        }
        let seen = self.reading.as_ref().map(|reading| &reading.seen);
        let view = view_of(&self.download, (&self.delivered, seen), now);
        self.view.send_replace(view);
        self.sources.tell_interest(&self.ports.peers);
        self.tell_verified();
        self.tell_lied();
        self.ask_paused_again();
        self.replace_dead_lanes();
        self.improve_lanes();
        self.checkpoint_if_due();
    }

    fn checkpoint_if_due(&mut self) {
        if self.checkpointing || !self.store.is_checkpoint_due() {
            return;
        }
        self.checkpointing = true;
        let (store, mailbox) = (Arc::clone(&self.store), self.mailbox.clone());
        self.ports
            .tasks
            .spawn_blocking(tracing::debug_span!("checkpoint"), move || {
                mailbox.blocking_send(Msg::Checkpointed(store.checkpoint()));
            });
    }

    /// Carries out what the scheduler decided.
    fn act(&mut self) {
        while let Some(action) = self.download.poll_action() {
            match action {
                DownloadAction::Request { peer, piece } => self.request(peer, piece),
                DownloadAction::Cancel { peer, piece } => {
                    if let Some(asked) = self.asked.remove(&(peer, piece)) {
                        self.sources.cancel(peer, asked.lane, piece);
                    }
                }
                DownloadAction::DeclineOffer { peer, piece } => {
                    let offer = PieceRef {
                        content: self.content(),
                        piece,
                    };
                    self.ports
                        .peers
                        .tell(peer, LinkMessage::OfferDeclined(offer));
                }
                DownloadAction::Refuse { peer, everywhere } => self.refuse(peer, everywhere),
                DownloadAction::State(state) => {
                    if state == SourceState::Complete {
                        self.finish(Ok(()));
                    }
                }
            }
        }
    }

    fn finish(&mut self, result: Result<(), Arc<StoreError>>) {
        self.on_count();
        if let Some(end) = self.end.take() {
            // Nobody waits for a download that was cancelled.
            drop(end.send(result));
        }
    }

    fn say_goodbye(&self) {
        for peer in self.sources.peers() {
            self.ports
                .peers
                .tell(peer, self.sources.interest(InterestState::Off));
        }
    }

    fn notify(&self, notice: Notice) {
        // Nobody may be listening.
        drop(self.ports.notices.send(notice));
    }
}
