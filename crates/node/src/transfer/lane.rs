//! One lane on which pieces come in: two tasks, one that reads and one that writes.
//!
//! Invariant: no data frame is believed: the sender must have credit for it, and request, offset
//! and
//! length must continue what was asked.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use lanspread_net::lane::{Lane, LaneEvent, LaneReader};
use lanspread_proto::{
    ContentId, PeerId, Piece, PieceIndex,
    wire::{
        DataHeader, LaneMessage,
        lane::{Gone, RequestId},
    },
};
use lanspread_swarm::credit::LaneId;
use tokio::sync::mpsc;
use tracing::debug_span;

mod sending;

use self::sending::{Sends, Told, write_frames};
use super::{
    Msg,
    store::{Arrived, Store},
};
use crate::{
    actor::{Mailbox, Tasks},
    buffers::{Buffer, Buffers},
    credit::{CreditHandle, LaneAccount},
    pace::Pace,
    pieces::Pieces,
};

/// Commands that wait for a lane; the scheduler's window is far below.
const COMMANDS: usize = 256;
/// A sender with less credit than this is told of every frame that arrived.
const THIRSTY_BYTES: u64 = 1 << 20;
/// Longest time between two words about what arrived of a piece.
const COUNT_INTERVAL: Duration = Duration::from_millis(10);
/// Bytes of pieces that are begun and not whole, on one lane: a sender ends one before the next.
const BEGUN_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// While memory is short, whoever holds some must fill it at this rate, ...
const RATE_MIN: u64 = 64 * 1024;
/// ... averaged over this.
const RATE_OVER: Duration = Duration::from_secs(10);
/// How often that is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// A sender that fills its buffers so fast is a quick one, in bytes per second.
const QUICK: u64 = 1024 * 1024;

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
    pub(crate) pieces: Pieces,
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
            open: VecDeque::new(),
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
            quick: false,
            look: look_interval(),
            ports,
        };
        let tasks = tasks.child();
        let stop = tasks.stop().clone();
        // A lane that is dropped gives its credit back too.
        tasks.spawn(span, async move {
            credit.up(id, peer, opened).await;
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

/// One request whose data arrives.
struct Open {
    piece: Piece,
    received: u32,
    buffer: Option<Filling>,
    /// Nobody wants it any more: what still comes is not kept.
    cancelled: bool,
}

/// A buffer, and since when it is being filled.
struct Filling {
    buffer: Buffer,
    since: Instant,
}

/// The reading side.
struct Receives {
    id: LaneId,
    peer: PeerId,
    reader: LaneReader,
    arriving: mpsc::Receiver<Told>,
    open: HashMap<RequestId, Open>,
    account: LaneAccount,
    counted: Counted,
    /// The last piece came fast.
    quick: bool,
    look: tokio::time::Interval,
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
    TooManyBegun,
    TooSlow,
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
        let event = tokio::select! {
            biased;
            told = self.arriving.recv() => {
                self.on_told(told.ok_or(LaneEnd::Stopping)?);
                return Ok(());
            }
            event = self.reader.next() => event?,
            _ = self.look.tick() => return self.check_slow(),
        };
        // A request is announced before it is sent, so it is here before its data.
        while let Ok(told) = self.arriving.try_recv() {
            self.on_told(told);
        }
        match event {
            LaneEvent::Data { header, bytes } => self.on_data(header, bytes).await,
            LaneEvent::Message(message) => self.on_message(&message).await,
        }
    }

    fn on_told(&mut self, told: Told) {
        match told {
            Told::Expected { request, piece } => {
                let open = Open {
                    piece,
                    received: 0,
                    buffer: None,
                    cancelled: false,
                };
                self.open.insert(request, open);
            }
            // The sender answers; the memory is free before that.
            Told::Cancelled(request) => {
                if let Some(open) = self.open.get_mut(&request) {
                    open.buffer = None;
                    open.cancelled = true;
                }
            }
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
            return self.skip(bytes).await;
        };
        let end = header.offset.checked_add(bytes).ok_or(LaneEnd::NotAsked)?;
        if header.offset != open.received || end > open.piece.bytes || bytes == 0 {
            return Err(LaneEnd::NotAsked);
        }
        let complete = end == open.piece.bytes;
        if open.cancelled {
            open.received = end;
            if complete {
                self.open.remove(&header.request);
            }
            return self.skip(bytes).await;
        }
        let piece = open.piece.clone();
        if open.buffer.is_none() {
            let filling = self.begin(piece.bytes).await?;
            if let Some(open) = self.open.get_mut(&header.request) {
                open.buffer = Some(filling);
            }
        }
        self.fill(header, end).await?;
        self.count(piece.index, bytes, complete).await;
        if complete {
            self.on_complete(header.request).await;
        }
        Ok(())
    }

    async fn skip(&mut self, bytes: u32) -> Result<(), LaneEnd> {
        self.reader.skip_data().await?;
        self.ports.credit.arrived(self.id, bytes).await;
        Ok(())
    }

    /// Memory for one more piece.
    async fn begin(&self, bytes: u32) -> Result<Filling, LaneEnd> {
        let begun = self.open.values().filter(|open| open.buffer.is_some());
        let begun_bytes: u64 = begun.map(|open| u64::from(open.piece.bytes)).sum();
        if begun_bytes + u64::from(bytes) > BEGUN_BYTES_MAX {
            return Err(LaneEnd::TooManyBegun);
        }
        let buffer = match self.quick {
            true => self.ports.buffers.take(bytes).await,
            false => self.ports.buffers.take_slow(bytes).await,
        };
        Ok(Filling {
            buffer: buffer.ok_or(LaneEnd::Stopping)?,
            since: Instant::now(),
        })
    }

    /// Reads a data frame into its place.
    async fn fill(&mut self, header: DataHeader, end: u32) -> Result<(), LaneEnd> {
        let open = self
            .open
            .get_mut(&header.request)
            .ok_or(LaneEnd::NotAsked)?;
        let filling = open.buffer.as_mut().ok_or(LaneEnd::Stopping)?;
        let since = filling.since;
        let space = filling
            .buffer
            .get_mut(header.offset as usize..end as usize)
            .ok_or(LaneEnd::NotAsked)?;
        let mut read = pin!(self.reader.read_data(space));
        loop {
            tokio::select! {
                biased;
                done = &mut read => break done?,
                _ = self.look.tick() => if is_too_slow(&self.ports, since, open.received) {
                    return Err(LaneEnd::TooSlow);
                },
            }
        }
        open.received = end;
        Ok(())
    }

    /// Whoever holds memory that others wait for, and does not fill it, loses it with the lane.
    fn check_slow(&self) -> Result<(), LaneEnd> {
        let slow = |open: &Open| {
            let filling = open.buffer.as_ref();
            filling.is_some_and(|filling| is_too_slow(&self.ports, filling.since, open.received))
        };
        match self.open.values().any(slow) {
            true => Err(LaneEnd::TooSlow),
            false => Ok(()),
        }
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
    async fn on_complete(&mut self, request: RequestId) {
        let Some(Open {
            piece,
            buffer: Some(Filling { buffer, since }),
            ..
        }) = self.open.remove(&request)
        else {
            return;
        };
        self.quick = u64::from(piece.bytes) >= bytes_at(QUICK, since.elapsed());
        let (peer, store) = (self.peer, Arc::clone(&self.ports.store));
        let (mailbox, lane) = (self.ports.mailbox.clone(), self.id);
        let work = move || {
            let outcome = store.store(&piece, &buffer);
            drop(buffer);
            mailbox.blocking_send(Msg::Arrived(Arrived {
                peer,
                lane,
                piece: piece.index,
                outcome,
            }));
        };
        self.ports.pieces.submit(work).await;
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

fn look_interval() -> tokio::time::Interval {
    let mut look = tokio::time::interval(LOOK_INTERVAL);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    look
}

/// A person who wants it slow gets it slow, and with memory to spare nobody is in the way.
fn is_too_slow(ports: &LanePorts, since: Instant, received: u32) -> bool {
    let elapsed = since.elapsed();
    elapsed >= RATE_OVER
        && u64::from(received) < bytes_at(RATE_MIN, elapsed)
        && ports.buffers.is_short()
        && !ports.pace.is_limited()
}

/// Bytes at a rate over a time.
fn bytes_at(rate: u64, elapsed: Duration) -> u64 {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    rate.saturating_mul(millis) / 1_000
}

/// What a sender answered instead of data.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refusal {
    /// Its queue is full; so many bytes are before.
    Busy(u64),
    /// It will not send it.
    Gone(lanspread_proto::wire::lane::GoneReason),
}
