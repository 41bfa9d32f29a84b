//! One lane on which pieces come in: two tasks, one that reads and one that writes.
//!
//! Invariant: no data frame is believed: the sender must have credit for it, and request, offset
//! and
//! length must continue what was asked.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use lanspread_disk::pool::Pool;
use lanspread_net::lane::{Lane, LaneEvent, LaneReader, LaneWriter};
use lanspread_proto::{
    ContentId, PeerId, Piece, PieceIndex,
    wire::{
        DataHeader, LaneMessage,
        lane::{Gone, Request, RequestId},
    },
};
use lanspread_swarm::credit::LaneId;
use tokio::sync::mpsc;
use tracing::debug_span;

use super::{
    Msg,
    store::{Arrived, Store},
};
use crate::{
    actor::{Mailbox, Tasks},
    buffers::{Buffer, Buffers},
    credit::{CreditHandle, LaneAccount},
    pace::Pace,
};

/// Commands that wait for a lane; the scheduler's window is far below.
const COMMANDS: usize = 256;
/// A sender with less credit than this is told of every frame that arrived.
const THIRSTY_BYTES: u64 = 1 << 20;
/// Longest time between two words about what arrived of a piece.
const COUNT_INTERVAL: Duration = Duration::from_millis(10);

/// The door to one lane.
#[derive(Debug)]
pub(crate) struct FetchLane {
    commands: mpsc::Sender<Command>,
    tasks: Tasks,
}

impl Drop for FetchLane {
    fn drop(&mut self) {
        self.tasks.stop().cancel();
    }
}

/// What a lane is told.
#[derive(Debug)]
enum Command {
    Request(Piece),
    Cancel(PieceIndex),
}

/// What a lane needs besides its stream.
#[derive(Debug, Clone)]
pub(crate) struct LanePorts {
    pub(crate) content: ContentId,
    pub(crate) store: Arc<Store>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) buffers: Buffers,
    pub(crate) credit: CreditHandle,
    pub(crate) pace: Pace,
    pub(crate) mailbox: Mailbox<Msg>,
}

impl FetchLane {
    /// Starts the two tasks of a lane.
    pub(crate) fn start(tasks: &Tasks, id: LaneId, lane: Lane, ports: LanePorts) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (outbox, frames) = mpsc::channel(COMMANDS);
        let (expected, arriving) = mpsc::channel(COMMANDS);
        let peer = lane.peer();
        let (reader, writer) = lane.split();
        let span = debug_span!("fetch_lane", lane = id.0, peer = %peer.short());
        let account = LaneAccount::new(outbox.clone());
        let credit = ports.credit.clone();
        let sends = Sends {
            id,
            frames: outbox,
            expected,
            content: ports.content,
            credit: credit.clone(),
        };
        let mailbox = ports.mailbox.clone();
        let opened = account.clone();
        let receives = Receives {
            id,
            peer,
            reader,
            arriving,
            open: HashMap::new(),
            account,
            counted: Counted {
                piece: None,
                bytes: 0,
                since: Instant::now(),
            },
            ports,
        };
        let tasks = tasks.child();
        let stop = tasks.stop().clone();
        // A lane that is dropped gives its credit back too.
        tasks.spawn(span, async move {
            credit.up(id, opened).await;
            // When one of them ends, the lane has nothing left to do.
            tokio::select! {
                () = stop.cancelled() => {}
                () = sends.run(inbox) => {}
                () = write_frames(writer, frames) => {}
                end = receives.run() => tracing::debug!(?end, "lane closed"),
            }
            credit.down(id).await;
            mailbox.send(Msg::LaneClosed { peer, lane: id }).await;
        });
        Self { commands, tasks }
    }

    /// Asks for a piece; `false` when the lane cannot take it.
    pub(crate) fn request(&self, piece: Piece) -> bool {
        self.commands.try_send(Command::Request(piece)).is_ok()
    }

    /// Takes a request back. Losing this when the lane is closing loses nothing.
    pub(crate) fn cancel(&self, piece: PieceIndex) {
        drop(self.commands.try_send(Command::Cancel(piece)));
    }
}

/// Numbers the requests and announces them to the reading side before they are sent.
struct Sends {
    id: LaneId,
    frames: mpsc::Sender<LaneMessage>,
    expected: mpsc::Sender<Expected>,
    content: ContentId,
    credit: CreditHandle,
}

/// What the reading side is told.
struct Expected {
    request: RequestId,
    piece: Piece,
}

impl Sends {
    async fn run(self, mut inbox: mpsc::Receiver<Command>) {
        let mut next = 0_u32;
        let mut open: HashMap<PieceIndex, RequestId> = HashMap::new();
        while let Some(command) = inbox.recv().await {
            let sent = match command {
                Command::Request(piece) => {
                    let request = RequestId(next);
                    next = next.wrapping_add(1);
                    open.insert(piece.index, request);
                    let message = Request {
                        request,
                        content: self.content,
                        piece: piece.index,
                    };
                    // Counted before it is sent, so that its bytes cannot arrive uncounted.
                    self.credit.requested(self.id, piece.bytes).await;
                    self.expected
                        .send(Expected { request, piece })
                        .await
                        .is_ok()
                        && self
                            .frames
                            .send(LaneMessage::Request(message))
                            .await
                            .is_ok()
                }
                // The reading side still expects it: data may be on its way, and the sender
                // answers the cancel. Only that answer frees the credit.
                Command::Cancel(piece) => match open.remove(&piece) {
                    Some(request) => {
                        let cancel = LaneMessage::Cancel(request);
                        self.frames.send(cancel).await.is_ok()
                    }
                    None => true,
                },
            };
            if !sent {
                return;
            }
        }
    }
}

async fn write_frames(mut writer: LaneWriter, mut frames: mpsc::Receiver<LaneMessage>) {
    while let Some(message) = frames.recv().await {
        let mut sent = writer.send(&message).await.is_ok();
        while let Ok(more) = frames.try_recv() {
            sent = sent && writer.send(&more).await.is_ok();
        }
        if !sent || writer.flush().await.is_err() {
            return;
        }
    }
}

/// One request whose data arrives.
struct Open {
    piece: Piece,
    received: u32,
    buffer: Option<Buffer>,
}

/// The reading side.
struct Receives {
    id: LaneId,
    peer: PeerId,
    reader: LaneReader,
    arriving: mpsc::Receiver<Expected>,
    open: HashMap<RequestId, Open>,
    account: LaneAccount,
    counted: Counted,
    ports: LanePorts,
}

/// What arrived and was not told yet.
struct Counted {
    piece: Option<PieceIndex>,
    bytes: u32,
    since: Instant,
}

/// Why a lane ended.
#[derive(Debug)]
enum LaneEnd {
    Link(#[expect(dead_code, reason = "shown by Debug in the log")] lanspread_net::LinkError),
    NoCredit,
    NotAsked,
    Stopping,
}

impl From<lanspread_net::LinkError> for LaneEnd {
    fn from(error: lanspread_net::LinkError) -> Self {
        Self::Link(error)
    }
}

impl Receives {
    async fn run(mut self) -> LaneEnd {
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Result<(), LaneEnd> {
        let event = self.reader.next().await?;
        self.learn_expected();
        match event {
            LaneEvent::Data { header, bytes } => self.on_data(header, bytes).await,
            LaneEvent::Message(message) => self.on_message(&message).await,
        }
    }

    /// Takes in what was asked for since. A request is announced before it is sent, so it is here
    /// before its data.
    fn learn_expected(&mut self) {
        while let Ok(Expected { request, piece }) = self.arriving.try_recv() {
            let open = Open {
                piece,
                received: 0,
                buffer: None,
            };
            self.open.insert(request, open);
        }
    }

    async fn on_data(&mut self, header: DataHeader, bytes: u32) -> Result<(), LaneEnd> {
        if !self.account.spend(bytes) {
            return Err(LaneEnd::NoCredit);
        }
        // Credit comes back at the pace that the person allows, and with it the sender.
        self.ports.pace.pass(bytes).await;
        let Some(open) = self.open.get_mut(&header.request) else {
            // Answered in the meantime; what still comes of it is skipped.
            self.reader.skip_data().await?;
            self.ports.credit.arrived(self.id, bytes).await;
            return Ok(());
        };
        let end = header.offset.checked_add(bytes).ok_or(LaneEnd::NotAsked)?;
        if header.offset != open.received || end > open.piece.bytes || bytes == 0 {
            return Err(LaneEnd::NotAsked);
        }
        if open.buffer.is_none() {
            open.buffer = self.ports.buffers.take(open.piece.bytes).await;
        }
        let buffer = open.buffer.as_mut().ok_or(LaneEnd::Stopping)?;
        let space = buffer
            .get_mut(header.offset as usize..end as usize)
            .ok_or(LaneEnd::NotAsked)?;
        self.reader.read_data(space).await?;
        open.received = end;
        let (piece, complete) = (open.piece.index, end == open.piece.bytes);
        self.count(piece, bytes, complete).await;
        if complete {
            self.on_complete(header.request);
        }
        Ok(())
    }

    /// Tells the budget and the download what arrived: for each piece, or often enough that a slow
    /// sender is seen to be alive. Each word costs two tasks a wake-up, so there are few.
    async fn count(&mut self, piece: PieceIndex, bytes: u32, complete: bool) {
        if self.counted.piece != Some(piece) {
            self.tell_counted().await;
            self.counted.piece = Some(piece);
        }
        self.counted.bytes += bytes;
        // A sender that is about to run dry must not wait for the rest of its piece.
        let thirsty = self.account.left() < THIRSTY_BYTES;
        if complete || thirsty || self.counted.since.elapsed() >= COUNT_INTERVAL {
            self.tell_counted().await;
        }
    }

    async fn tell_counted(&mut self) {
        let bytes = std::mem::take(&mut self.counted.bytes);
        let piece = self.counted.piece.take();
        self.counted.since = Instant::now();
        if let Some(piece) = piece {
            self.ports.credit.arrived(self.id, bytes).await;
            let (peer, lane) = (self.peer, self.id);
            // Only rates are made of it: when the download is too busy to hear it, nothing is lost.
            self.ports.mailbox.try_send(Msg::Bytes {
                peer,
                lane,
                piece,
                bytes,
            });
        }
    }

    /// Hands a whole piece to the threads that hash and write.
    fn on_complete(&mut self, request: RequestId) {
        let Some(Open {
            piece,
            buffer: Some(buffer),
            ..
        }) = self.open.remove(&request)
        else {
            return;
        };
        let (peer, store) = (self.peer, Arc::clone(&self.ports.store));
        let (mailbox, lane) = (self.ports.mailbox.clone(), self.id);
        self.ports.pool.submit(move || {
            let outcome = store.store(&piece, &buffer);
            drop(buffer);
            mailbox.blocking_send(Msg::Arrived(Arrived {
                peer,
                lane,
                piece: piece.index,
                outcome,
            }));
        });
    }

    async fn on_message(&mut self, message: &LaneMessage) -> Result<(), LaneEnd> {
        let (request, answer) = match message {
            LaneMessage::Busy(busy) => (busy.request, Refusal::Busy(busy.queued_bytes)),
            LaneMessage::Gone(Gone { request, reason }) => (*request, Refusal::Gone(*reason)),
            LaneMessage::Hello(_)
            | LaneMessage::Request(_)
            | LaneMessage::BlobRequest(_)
            | LaneMessage::Credit(_)
            | LaneMessage::Cancel(_)
            | LaneMessage::BlobStart(_) => return Err(LaneEnd::NotAsked),
        };
        if let Some(piece) = self.abandon(request).await {
            let (peer, lane) = (self.peer, self.id);
            self.ports
                .mailbox
                .send(Msg::Refused {
                    peer,
                    lane,
                    piece,
                    refusal: answer,
                })
                .await;
        }
        Ok(())
    }

    /// Forgets a request and gives back the budget that its bytes would have needed.
    async fn abandon(&mut self, request: RequestId) -> Option<PieceIndex> {
        let open = self.open.remove(&request)?;
        let missing = open.piece.bytes.saturating_sub(open.received);
        self.ports.credit.abandoned(self.id, missing).await;
        Some(open.piece.index)
    }
}

/// What a sender answered instead of data.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal {
    /// Its queue is full; so many bytes are before.
    Busy(u64),
    /// It will not send it.
    Gone(lanspread_proto::wire::lane::GoneReason),
}
