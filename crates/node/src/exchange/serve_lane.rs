//! One lane on which we send: a task that reads what the receiver wants, and one that writes.
//!
//! Invariant: never more payload bytes are written than the receiver gave credit for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use lanspread_disk::content::{PieceSource, ServeError};
use lanspread_net::{
    LinkError,
    lane::{Lane, LaneEvent as NetEvent, LaneReader, LaneWriter},
};
use lanspread_proto::{
    PeerId, Piece,
    limits::DATA_BYTES_MAX,
    wire::{
        DataHeader, LaneMessage,
        lane::{BlobStart, Gone, GoneReason, RequestId},
    },
};
use lanspread_swarm::{credit::LaneId, upload::RequestKey};
use tokio::sync::{Notify, mpsc};
use tracing::debug_span;

use super::{
    Msg,
    outgoing::{Outgoing, Part},
    uploads::LaneEvent,
};
use crate::{
    actor::{Mailbox, Tasks},
    buffers::{Buffer, Buffers},
    pace::Pace,
    pieces::Pieces,
};

/// Commands that wait for a lane's writer: more than a lane may have requests.
const COMMANDS: usize = 4 * lanspread_proto::limits::LANE_REQUESTS_MAX;

/// Longest time between two words about what was sent of a piece.
const REPORT_INTERVAL: Duration = Duration::from_millis(20);

/// A receiver that takes nothing of what it gave credit for is given up after this.
const STUCK: Duration = Duration::from_secs(15);

/// What a lane's writer is told.
pub(super) enum Command {
    /// Send a frame.
    Frame(LaneMessage),
    /// Send a piece.
    Piece {
        request: RequestId,
        piece: Piece,
        source: Arc<dyn PieceSource>,
    },
    /// Send a blob.
    Blob { request: RequestId, bytes: Bytes },
    /// Send no more of a request, and say why.
    Stop {
        request: RequestId,
        reason: GoneReason,
    },
}

/// What a lane needs besides its stream.
#[derive(Clone)]
pub(super) struct LanePorts {
    pub(super) tasks: Tasks,
    pub(super) pieces: Pieces,
    pub(super) buffers: Buffers,
    pub(super) pace: Pace,
    pub(super) mailbox: Mailbox<Msg>,
}

/// Starts the two tasks of a lane.
pub(super) fn start(id: LaneId, lane: Lane, ports: LanePorts) -> ServeLane {
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let (tasks, mailbox) = (ports.tasks.child(), ports.mailbox.clone());
    let span = debug_span!("serve_lane", lane = id.0, peer = %lane.peer().short());
    let peer = lane.peer();
    let (reader, writer) = lane.split();
    let credit = Arc::new(LaneCredit::default());
    let reads = Reads {
        id,
        reader,
        credit: Arc::clone(&credit),
        mailbox: ports.mailbox.clone(),
    };
    let (loaded, arriving) = mpsc::channel(COMMANDS);
    let writes = Writes {
        id,
        peer,
        writer,
        credit,
        ports: LanePorts {
            tasks: tasks.clone(),
            ..ports
        },
        loaded,
        outgoing: Outgoing::default(),
        unreported: 0,
        reported_at: Instant::now(),
    };
    tasks.spawn_until_stop(span, async move {
        // When one direction ends, the other has nothing left to do.
        let end = tokio::select! {
            end = reads.run() => end,
            end = writes.run(inbox, arriving) => end,
        };
        tracing::debug!(reason = %end, "lane closed");
        mailbox
            .send(Msg::OnLane(LaneEvent::Closed { lane: id }))
            .await;
    });
    ServeLane {
        peer,
        commands,
        tasks,
    }
}

/// The door to one lane; dropping it ends the lane, even one that is stuck in a write.
pub(super) struct ServeLane {
    peer: PeerId,
    commands: mpsc::Sender<Command>,
    tasks: Tasks,
}

impl ServeLane {
    pub(super) const fn peer(&self) -> PeerId {
        self.peer
    }

    /// `false` when the lane is too far behind to be told anything: it should be closed.
    pub(super) fn tell(&self, command: Command) -> bool {
        self.commands.try_send(command).is_ok()
    }
}

impl Drop for ServeLane {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// Payload bytes that the receiver still wants to be sent.
#[derive(Default)]
struct LaneCredit {
    bytes: AtomicU64,
    changed: Notify,
}

impl LaneCredit {
    fn add(&self, bytes: u32) {
        self.bytes.fetch_add(u64::from(bytes), Ordering::AcqRel);
        self.changed.notify_one();
    }

    fn left(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Takes as much as there is, at most `max`.
    fn take(&self, max: u32) -> u32 {
        let there = self.left();
        // Only the writer takes, so what is there stays there.
        let taken = u32::try_from(there).unwrap_or(u32::MAX).min(max);
        self.bytes.fetch_sub(u64::from(taken), Ordering::AcqRel);
        taken
    }
}

struct Reads {
    id: LaneId,
    reader: LaneReader,
    credit: Arc<LaneCredit>,
    mailbox: Mailbox<Msg>,
}

impl Reads {
    async fn run(mut self) -> LinkError {
        loop {
            let event = match self.reader.next().await {
                Ok(NetEvent::Message(message)) => self.on_message(message),
                // A receiver does not send data: whatever it is, it is skipped.
                Ok(NetEvent::Data { .. }) => None,
                Err(error) => return error,
            };
            if let Some(event) = event {
                self.mailbox.send(Msg::OnLane(event)).await;
            }
        }
    }

    fn on_message(&self, message: LaneMessage) -> Option<LaneEvent> {
        let lane = self.id;
        match message {
            LaneMessage::Request(request) => Some(LaneEvent::Request { lane, request }),
            LaneMessage::BlobRequest(request) => Some(LaneEvent::BlobRequest { lane, request }),
            LaneMessage::Cancel(request) => Some(LaneEvent::Cancel {
                key: RequestKey { lane, request },
            }),
            LaneMessage::Credit(credit) => {
                self.credit.add(credit.bytes);
                None
            }
            LaneMessage::Hello(_)
            | LaneMessage::Busy(_)
            | LaneMessage::Gone(_)
            | LaneMessage::BlobStart(_) => None,
        }
    }
}

/// A part of a piece read from disk.
struct Loaded {
    serial: u64,
    offset: u32,
    result: Result<Buffer, ServeError>,
}

struct Writes {
    id: LaneId,
    peer: PeerId,
    writer: LaneWriter,
    credit: Arc<LaneCredit>,
    ports: LanePorts,
    loaded: mpsc::Sender<Loaded>,
    outgoing: Outgoing,
    unreported: u32,
    reported_at: Instant,
}

impl Writes {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Command>,
        mut arriving: mpsc::Receiver<Loaded>,
    ) -> LinkError {
        loop {
            if let Err(error) = self.step(&mut inbox, &mut arriving).await {
                return error;
            }
        }
    }

    /// Takes in what waits, then sends one frame, or waits until there is something to do. A data
    /// frame that is begun is always ended: nothing is given up while one is written.
    async fn step(
        &mut self,
        inbox: &mut mpsc::Receiver<Command>,
        arriving: &mut mpsc::Receiver<Loaded>,
    ) -> Result<(), LinkError> {
        while let Ok(command) = inbox.try_recv() {
            self.on_command(command).await?;
        }
        while let Ok(loaded) = arriving.try_recv() {
            self.on_loaded(loaded).await?;
        }
        while let Some(part) = self.outgoing.next_part(self.credit.left()) {
            self.load(part);
        }
        if self.send_some().await? {
            return Ok(());
        }
        in_time(self.peer, self.writer.flush()).await?;
        tokio::select! {
            biased;
            command = inbox.recv() => match command {
                Some(command) => self.on_command(command).await,
                None => Err(LinkError::Ended(self.peer)),
            },
            Some(loaded) = arriving.recv() => self.on_loaded(loaded).await,
            () = self.credit.changed.notified() => Ok(()),
        }
    }

    async fn on_command(&mut self, command: Command) -> Result<(), LinkError> {
        match command {
            Command::Frame(message) => self.writer.send(&message).await,
            Command::Piece {
                request,
                piece,
                source,
            } => {
                self.outgoing.push_piece(request, piece, source);
                Ok(())
            }
            Command::Blob { request, bytes } => {
                let start = BlobStart {
                    request,
                    bytes: bytes.len() as u64,
                };
                self.outgoing.push_blob(request, bytes);
                self.writer.send(&LaneMessage::BlobStart(start)).await
            }
            Command::Stop { request, reason } => {
                self.outgoing.remove(request);
                self.writer
                    .send(&LaneMessage::Gone(Gone { request, reason }))
                    .await
            }
        }
    }

    /// Reads a part on the threads for that, while others are being sent.
    fn load(&self, part: Part) {
        let (buffers, pieces) = (self.ports.buffers.clone(), self.ports.pieces.clone());
        let loaded = self.loaded.clone();
        self.ports
            .tasks
            .spawn_until_stop(debug_span!("load"), async move {
                let Some(mut buffer) = buffers.take(part.bytes).await else {
                    return;
                };
                let work = move || {
                    let Part { serial, offset, .. } = part;
                    let read = part.source.read_range(&part.piece, offset, &mut buffer);
                    let result = read.map(|()| buffer);
                    // A lane that is gone needs no piece.
                    drop(loaded.blocking_send(Loaded {
                        serial,
                        offset,
                        result,
                    }));
                };
                pieces.submit(work).await;
            });
    }

    async fn on_loaded(&mut self, loaded: Loaded) -> Result<(), LinkError> {
        let Loaded {
            serial,
            offset,
            result,
        } = loaded;
        let error = match result {
            Ok(buffer) => {
                self.outgoing.on_read(serial, offset, Some(buffer));
                return Ok(());
            }
            Err(error) => error,
        };
        self.outgoing.on_read(serial, offset, None);
        let Some(request) = self.outgoing.remove_serial(serial) else {
            return Ok(());
        };
        tracing::warn!(%error, "a piece cannot be read");
        let gone = Gone {
            request,
            reason: GoneReason::DiskFault,
        };
        self.report(LaneEvent::Unreadable {
            key: self.key(request),
            gone: error.is_gone(),
        })
        .await;
        self.writer.send(&LaneMessage::Gone(gone)).await
    }

    /// Sends one data frame of the first request; `false` when nothing of it is here, or no credit.
    async fn send_some(&mut self) -> Result<bool, LinkError> {
        let Some((request, offset, left, here)) = self.outgoing.front() else {
            return Ok(false);
        };
        let most = u32::try_from(here.len()).unwrap_or(u32::MAX);
        let bytes = self.credit.take(most.min(DATA_BYTES_MAX));
        if bytes == 0 && left > 0 {
            return Ok(false);
        }
        let header = DataHeader { request, offset };
        let part = here.get(..bytes as usize).unwrap_or_default();
        if self.ports.pace.is_limited() {
            // What was written before must not wait with this one.
            in_time(self.peer, self.writer.flush()).await?;
            self.ports.pace.pass(bytes).await;
        }
        in_time(self.peer, self.writer.send_data(header, part)).await?;
        self.outgoing.on_sent(bytes);
        self.count(self.key(request), bytes, bytes == left).await;
        Ok(true)
    }

    /// Tells the admission what was sent: for each piece, or often enough that a slow receiver is
    /// seen to be alive.
    async fn count(&mut self, key: RequestKey, bytes: u32, finished: bool) {
        self.unreported += bytes;
        if finished || self.reported_at.elapsed() >= REPORT_INTERVAL {
            let bytes = std::mem::take(&mut self.unreported);
            self.reported_at = Instant::now();
            self.report(LaneEvent::Sent {
                key,
                bytes,
                finished,
            })
            .await;
        }
    }

    const fn key(&self, request: RequestId) -> RequestKey {
        RequestKey {
            lane: self.id,
            request,
        }
    }

    async fn report(&self, event: LaneEvent) {
        self.ports.mailbox.send(Msg::OnLane(event)).await;
    }
}

/// Writes, unless the other side does not read: then the lane ends, and what it holds is free.
async fn in_time(
    peer: PeerId,
    write: impl Future<Output = Result<(), LinkError>>,
) -> Result<(), LinkError> {
    let written = tokio::time::timeout(STUCK, write).await;
    written.unwrap_or(Err(LinkError::Ended(peer)))
}
