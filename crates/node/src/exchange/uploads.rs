//! What we send: the lanes, and the admission that decides which piece is next.

mod lists;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use lanspread_net::lane::Lane;
use lanspread_proto::{
    ContentId, GameId, PeerId, PieceIndex, limits as wire_limits,
    wire::{
        LaneMessage,
        lane::{BlobKind, BlobRequest, Busy, Gone, GoneReason, Request, RequestId},
    },
};
use lanspread_swarm::{
    credit::LaneId,
    progress::Meter,
    upload::{Admission, RequestKey, Reservation, Upload, UploadAction},
};
use tokio::sync::{Semaphore, watch};

use super::{
    Msg, Served,
    blobs::Blobs,
    moves::Moves,
    pushing::Pushing,
    serve_lane::{self, Command, LanePorts, ServeLane},
};
use crate::{
    actor::{Mailbox, Tasks},
    buffers::Buffers,
    clock::Clock,
    lanes::LaneNumbers,
    pace::Pace,
    pieces::Pieces,
    snapshot::{SharingState, UploadView},
    views::{LibraryView, Traffic, UploadsView, Watched},
};

/// What the uplink is believed to do until it was measured: 1 Gbit/s.
const UPLINK_GUESS: u64 = 125_000_000;
/// Peers whose bytes are remembered when they leave; more are forgotten with their links.
const TRAFFIC_KEPT: usize = 256;
/// A receiver that got nothing for so long is no longer shown.
const SHOWN_FOR: Duration = Duration::from_secs(5);

/// What the uploads need.
pub(crate) struct UploadPorts {
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) pieces: Pieces,
    pub(crate) buffers: Buffers,
    pub(crate) pace: Pace,
    pub(crate) numbers: LaneNumbers,
    pub(crate) mailbox: Mailbox<Msg>,
    /// Told which content changed under us, so that it is looked at again.
    pub(crate) changed: Mailbox<crate::shelf::Msg>,
    pub(crate) view: watch::Sender<Arc<UploadsView>>,
    /// Who else has what we push.
    pub(crate) library: Watched<LibraryView>,
}

/// What a lane's tasks say.
#[derive(Debug)]
pub(crate) enum LaneEvent {
    Request {
        lane: LaneId,
        request: Request,
    },
    BlobRequest {
        lane: LaneId,
        request: BlobRequest,
    },
    Encoded {
        content: ContentId,
        kind: BlobKind,
        bytes: Bytes,
    },
    Cancel {
        key: RequestKey,
    },
    Sent {
        key: RequestKey,
        bytes: u32,
        finished: bool,
    },
    Unreadable {
        key: RequestKey,
        gone: bool,
    },
    Closed {
        lane: LaneId,
    },
}

/// The lanes and the admission.
pub(super) struct Uploads {
    ports: UploadPorts,
    upload: Upload,
    lanes: BTreeMap<LaneId, ServeLane>,
    open: BTreeMap<RequestKey, Admitted>,
    moves: Moves,
    blobs: Blobs,
    sent: BTreeMap<(PeerId, GameId), Sent>,
    traffic: BTreeMap<PeerId, Traffic>,
    down: Meter,
    changed: bool,
    /// One complaint is looked into at a time.
    checking: Arc<Semaphore>,
}

/// A piece that was admitted and is not sent yet.
struct Admitted {
    served: Served,
    reservation: Reservation,
}

struct Sent {
    bytes: u64,
    meter: Meter,
    last: tokio::time::Instant,
}

impl Uploads {
    pub(super) fn new(ports: UploadPorts) -> Self {
        let upload = Upload::new(ports.clock.now(), UPLINK_GUESS);
        let down = Meter::new(ports.clock.now());
        Self {
            ports,
            upload,
            lanes: BTreeMap::new(),
            open: BTreeMap::new(),
            moves: Moves::default(),
            blobs: Blobs::default(),
            sent: BTreeMap::new(),
            traffic: BTreeMap::new(),
            down,
            changed: false,
            checking: Arc::new(Semaphore::new(1)),
        }
    }

    /// Bytes reserved and not sent: how long a new request would wait.
    pub(super) fn queued_bytes(&self) -> u64 {
        self.upload.queued_bytes()
    }

    /// What the uplink carries.
    pub(super) fn bytes_per_second(&self) -> u64 {
        self.upload.bytes_per_second()
    }

    /// The piece that was admitted under a number, while it is not sent.
    pub(super) fn reservation(&self, key: RequestKey) -> Option<Reservation> {
        self.open.get(&key).map(|admitted| admitted.reservation)
    }

    pub(super) fn on_lane(&mut self, lane: Lane) {
        let peer = lane.peer();
        self.close_stuck(peer);
        let open = self
            .lanes
            .values()
            .filter(|other| other.peer() == peer)
            .count();
        if open >= wire_limits::LANES_PER_PEER_MAX {
            tracing::debug!(peer = %peer.short(), "a peer has all its lanes already");
            return;
        }
        let id = self.ports.numbers.next();
        let ports = LanePorts {
            tasks: self.ports.tasks.clone(),
            pieces: self.ports.pieces.clone(),
            buffers: self.ports.buffers.clone(),
            pace: self.ports.pace.clone(),
            mailbox: self.ports.mailbox.clone(),
        };
        self.lanes.insert(id, serve_lane::start(id, lane, ports));
    }

    /// A peer that opens a lane has given up those on which nothing moves: what was reserved on
    /// them must not stand before what it asks now.
    fn close_stuck(&mut self, peer: PeerId) {
        let now = self.ports.clock.now();
        let waits: BTreeSet<LaneId> = self.open.keys().map(|key| key.lane).collect();
        let stuck: Vec<LaneId> = self
            .lanes
            .iter()
            .filter(|(id, lane)| lane.peer() == peer && waits.contains(id))
            .filter(|(id, _)| self.moves.is_stuck(**id, now))
            .map(|(id, _)| *id)
            .collect();
        for lane in stuck {
            self.close(lane);
        }
    }

    /// Takes in what a lane says; returns a content that turned out to have changed on disk.
    pub(super) fn on_lane_event(
        &mut self,
        event: LaneEvent,
        served: &BTreeMap<ContentId, Served>,
        pushing: &mut Pushing,
    ) -> Option<ContentId> {
        match event {
            LaneEvent::Request { lane, request } => {
                self.on_request(lane, request, served.get(&request.content), pushing);
            }
            LaneEvent::BlobRequest { lane, request } => {
                self.on_blob_request(lane, request, served.get(&request.content));
            }
            LaneEvent::Encoded {
                content,
                kind,
                bytes,
            } => self.on_encoded((content, kind), bytes),
            LaneEvent::Cancel { key } => self.upload.on_cancel(self.ports.clock.now(), key),
            LaneEvent::Sent {
                key,
                bytes,
                finished,
            } => self.on_sent(key, bytes, finished),
            LaneEvent::Unreadable { key, gone } => return self.on_unreadable(key, gone),
            LaneEvent::Closed { lane } => self.close(lane),
        }
        None
    }

    fn on_request(
        &mut self,
        lane: LaneId,
        request: Request,
        served: Option<&Served>,
        pushing: &mut Pushing,
    ) {
        let Some(peer) = self.lanes.get(&lane).map(ServeLane::peer) else {
            return;
        };
        let id = request.request;
        let piece = served
            .filter(|served| served.have.contains(request.piece))
            .and_then(|served| {
                served
                    .manifest
                    .geometry()
                    .piece(request.piece)
                    .map(|p| (served, p))
            });
        let Some((served, piece)) = piece else {
            return self.tell(lane, gone(id, GoneReason::NotHere));
        };
        let asked = (request.content, request.piece);
        if !pushing.admits(peer, asked) {
            return self.busy(lane, id, self.upload.queued_bytes());
        }
        let key = RequestKey { lane, request: id };
        let reservation = Reservation {
            key,
            peer,
            content: request.content,
            piece: request.piece,
            bytes: piece.bytes,
            offered: pushing.is_offered(peer, asked),
        };
        match self.upload.on_request(self.ports.clock.now(), reservation) {
            Admission::Queued => {
                // A lane is silent from when it was asked, not from when it last had work.
                if !self.open.keys().any(|other| other.lane == lane) {
                    self.moves.on_move(lane, self.ports.clock.now());
                }
                self.open.insert(
                    key,
                    Admitted {
                        served: served.clone(),
                        reservation,
                    },
                );
            }
            Admission::Busy { queued_bytes } => self.busy(lane, id, queued_bytes),
            Admission::Refused(reason) => self.tell(lane, gone(id, reason)),
        }
    }

    fn busy(&mut self, lane: LaneId, request: RequestId, queued_bytes: u64) {
        let busy = LaneMessage::Busy(Busy {
            request,
            queued_bytes,
        });
        self.tell(lane, Command::Frame(busy));
    }

    fn on_sent(&mut self, key: RequestKey, bytes: u32, finished: bool) {
        let now = self.ports.clock.now();
        self.upload.on_bytes(now, key, u64::from(bytes));
        if self.lanes.contains_key(&key.lane) {
            self.moves.on_move(key.lane, now);
        }
        self.changed = true;
        if let Some(admitted) = self.open.get(&key) {
            let peer = admitted.reservation.peer;
            self.traffic.entry(peer).or_default().sent_bytes += u64::from(bytes);
            let whom = (admitted.reservation.peer, admitted.served.game.clone());
            let sent = self.sent.entry(whom).or_insert_with(|| Sent {
                bytes: 0,
                meter: Meter::new(now),
                last: tokio::time::Instant::now(),
            });
            sent.bytes += u64::from(bytes);
            sent.meter.on_bytes(now, u64::from(bytes));
            sent.last = tokio::time::Instant::now();
        }
        if finished {
            self.blobs.on_finished(key);
            self.open.remove(&key);
            self.upload.on_finished(now, key);
        }
    }

    pub(super) fn on_received(&mut self, peer: PeerId, bytes: u64) {
        self.changed = true;
        self.traffic.entry(peer).or_default().received_bytes += bytes;
        self.down.on_bytes(self.ports.clock.now(), bytes);
    }

    fn on_unreadable(&mut self, key: RequestKey, gone: bool) -> Option<ContentId> {
        self.upload.on_finished(self.ports.clock.now(), key);
        let admitted = self.open.remove(&key)?;
        if !gone {
            return None;
        }
        let game = admitted.served.game.clone();
        self.ports.changed.try_send(crate::shelf::Msg::Changed {
            game,
            directory: None,
        });
        Some(admitted.reservation.content)
    }

    /// A peer says that a piece from us was wrong. Its word is not believed: the piece is read and
    /// checked here, one at a time, and only our own finding counts.
    pub(super) fn on_complaint(&mut self, piece: PieceIndex, served: &Served) {
        let Some(piece) = served.manifest.geometry().piece(piece) else {
            return;
        };
        let Ok(turn) = Arc::clone(&self.checking).try_acquire_owned() else {
            return;
        };
        let (served, changed) = (served.clone(), self.ports.changed.clone());
        let look = move || {
            let mut bytes = vec![0; piece.bytes as usize];
            let geometry = served.manifest.geometry();
            let read = served.source.read_piece(&piece, &mut bytes);
            let checked = served
                .chunk_map
                .verify_piece(geometry, piece.chunks.clone(), &bytes);
            if read.is_ok() && checked.is_err() {
                tracing::error!(game = %served.game, "the disk gives wrong bytes");
                let (game, content) = (served.game.clone(), served.manifest.content());
                changed.blocking_send(crate::shelf::Msg::Rotten { game, content });
            }
            drop(turn);
        };
        if !self.ports.pieces.try_submit(look) {
            tracing::debug!("a complaint is not looked into: there is too much to do");
        }
    }

    fn close(&mut self, lane: LaneId) {
        self.lanes.remove(&lane);
        self.moves.on_lane_down(lane);
        self.blobs.on_lane_down(lane);
        self.open.retain(|key, _| key.lane != lane);
        self.upload.on_lane_down(self.ports.clock.now(), lane);
    }

    pub(super) fn on_peer_down(&mut self, peer: PeerId) {
        let gone = self.lanes.extract_if(.., |_, lane| lane.peer() == peer);
        gone.for_each(|(lane, _)| {
            self.blobs.on_lane_down(lane);
            self.moves.on_lane_down(lane);
        });
        self.open
            .retain(|_, admitted| admitted.reservation.peer != peer);
        if self.traffic.len() > TRAFFIC_KEPT {
            self.traffic.remove(&peer);
        }
        self.upload.on_peer_down(self.ports.clock.now(), peer);
    }

    pub(super) fn on_content_gone(&mut self, content: ContentId) {
        self.upload
            .on_content_gone(self.ports.clock.now(), content, GoneReason::NotHere);
    }

    /// Only [`SharingState::On`] lets anything be sent.
    pub(super) fn set_sharing(&mut self, sharing: SharingState) {
        self.upload.set_paused(sharing != SharingState::On);
        self.changed = true;
    }

    /// Carries out what the admission decided.
    pub(super) fn act(&mut self) {
        while let Some(action) = self.upload.poll_action() {
            match action {
                UploadAction::Start(reservation) => self.start(reservation),
                UploadAction::Stop(reservation, reason) => {
                    let key = reservation.key;
                    self.open.remove(&key);
                    self.tell(
                        key.lane,
                        Command::Stop {
                            request: key.request,
                            reason,
                        },
                    );
                }
            }
        }
    }

    fn start(&mut self, reservation: Reservation) {
        let key = reservation.key;
        let piece = self.open.get(&key).and_then(|admitted| {
            let piece = admitted
                .served
                .manifest
                .geometry()
                .piece(reservation.piece)?;
            Some((piece, Arc::clone(&admitted.served.source)))
        });
        match piece {
            Some((piece, source)) => {
                self.tell(
                    key.lane,
                    Command::Piece {
                        request: key.request,
                        piece,
                        source,
                    },
                );
            }
            None => self.upload.on_finished(self.ports.clock.now(), key),
        }
    }

    /// A lane that takes no more commands does not read either: it is closed.
    fn tell(&mut self, lane: LaneId, command: Command) {
        if let Some(door) = self.lanes.get(&lane)
            && !door.tell(command)
        {
            self.close(lane);
        }
    }

    pub(super) fn on_tick(&mut self) {
        let now = self.ports.clock.now();
        self.upload.set_limit(self.ports.pace.rate());
        if self.upload.poll_timeout(now).is_some_and(|due| due <= now) {
            self.upload.on_timeout(now);
        }
        self.sent.retain(|_, sent| sent.last.elapsed() < SHOWN_FOR);
        let uploads: Vec<UploadView> = self
            .sent
            .iter()
            .map(|((peer, game), sent)| UploadView {
                peer: *peer,
                game: game.clone(),
                bytes: sent.bytes,
                rate: sent.meter.shown(now),
            })
            .collect();
        let up_rate = uploads.iter().map(|upload| upload.rate).sum();
        // Rates fall without anything happening: shown until they are at rest.
        let idle = uploads.is_empty() && self.down.shown(now) == 0;
        if !std::mem::replace(&mut self.changed, !idle) {
            return;
        }
        self.ports.view.send_replace(Arc::new(UploadsView {
            uploads,
            up_rate,
            down_rate: self.down.shown(now),
            traffic: self.traffic.clone(),
        }));
    }
}

const fn gone(request: RequestId, reason: GoneReason) -> Command {
    Command::Frame(LaneMessage::Gone(Gone { request, reason }))
}
