//! The writing side of a lane: requests, cancels and credit.

use std::collections::VecDeque;

use lanspread_net::lane::LaneWriter;
use lanspread_proto::{
    ContentId, Piece, PieceIndex,
    limits::LANE_REQUESTS_MAX,
    wire::{
        LaneMessage,
        lane::{Request, RequestId},
    },
};
use lanspread_swarm::credit::LaneId;
use tokio::sync::mpsc;

use super::Command;
use crate::credit::CreditHandle;

/// Requests that are remembered for a cancel.
const NOTED_MAX: usize = 4 * LANE_REQUESTS_MAX;

/// Numbers the requests and announces them to the reading side before they are sent.
pub(super) struct Sends {
    pub(super) id: LaneId,
    pub(super) frames: mpsc::Sender<LaneMessage>,
    pub(super) expected: mpsc::Sender<Told>,
    pub(super) content: ContentId,
    pub(super) credit: CreditHandle,
    /// The last requests, oldest first: there are far fewer open at once.
    pub(super) open: VecDeque<(PieceIndex, RequestId)>,
}

/// What the reading side is told.
pub(super) enum Told {
    /// A piece is about to be asked for.
    Expected { request: RequestId, piece: Piece },
    /// It is no longer wanted.
    Cancelled(RequestId),
}

impl Sends {
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        let mut next = 0_u32;
        while let Some(command) = inbox.recv().await {
            let sent = match command {
                Command::Request(piece) => {
                    let request = RequestId(next);
                    next = next.wrapping_add(1);
                    self.note(piece.index, request);
                    let message = Request {
                        request,
                        content: self.content,
                        piece: piece.index,
                    };
                    // Counted before it is sent, so that its bytes cannot arrive uncounted.
                    self.credit.requested(self.id, piece.bytes).await;
                    self.expected
                        .send(Told::Expected { request, piece })
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
                Command::Cancel(piece) => match self.forget(piece) {
                    Some(request) => {
                        let told = self.expected.send(Told::Cancelled(request)).await;
                        let cancel = LaneMessage::Cancel(request);
                        told.is_ok() && self.frames.send(cancel).await.is_ok()
                    }
                    None => true,
                },
            };
            if !sent {
                return;
            }
        }
    }

    fn note(&mut self, piece: PieceIndex, request: RequestId) {
        if self.open.len() == NOTED_MAX {
            self.open.pop_front();
        }
        self.open.push_back((piece, request));
    }

    fn forget(&mut self, piece: PieceIndex) -> Option<RequestId> {
        let at = self.open.iter().rposition(|(noted, _)| *noted == piece)?;
        self.open.remove(at).map(|(_, request)| request)
    }
}

pub(super) async fn write_frames(mut writer: LaneWriter, mut frames: mpsc::Receiver<LaneMessage>) {
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
