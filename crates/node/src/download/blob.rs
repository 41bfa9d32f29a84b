//! Fetches a manifest or a chunk map from one peer, over a lane of its own.
//!
//! Invariant: memory grows with what really comes, never with what a peer claims.

use std::time::Duration;

use lanspread_net::lane::{Lane, LaneEvent, LaneReader, LaneWriter};
use lanspread_proto::{
    ContentId,
    wire::{
        LaneMessage,
        lane::{BlobKind, BlobRequest, Credit, RequestId},
    },
};

/// A peer that sends nothing for so long is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes per second below which a peer only holds us up.
const SLOWEST: u64 = 128 * 1024;
/// Bytes that may be on their way.
const WINDOW: u32 = 4 * 1024 * 1024;

/// A lane for blobs.
pub(super) struct BlobLane {
    reader: LaneReader,
    writer: LaneWriter,
    next: u32,
    /// Granted and not arrived.
    credit: u32,
}

/// Why a blob did not come.
#[derive(Debug, thiserror::Error)]
pub(super) enum BlobError {
    /// The connection broke, or the peer broke the protocol.
    #[error(transparent)]
    Link(#[from] lanspread_net::LinkError),
    /// The peer does not have it.
    #[error("the peer does not have it")]
    NotThere,
    /// It sent something else than was asked for.
    #[error("the peer sent something else")]
    NotAsked,
    /// Nothing came, or too little.
    #[error("the peer sent nothing for {} seconds, or next to nothing", PATIENCE.as_secs())]
    Silent,
}

impl BlobLane {
    pub(super) fn new(lane: Lane) -> Self {
        let (reader, writer) = lane.split();
        Self {
            reader,
            writer,
            next: 0,
            credit: 0,
        }
    }

    /// Asks for a blob and waits for all of it.
    pub(super) async fn fetch(
        &mut self,
        content: ContentId,
        kind: BlobKind,
    ) -> Result<Vec<u8>, BlobError> {
        let request = RequestId(self.next);
        self.next += 1;
        let message = BlobRequest {
            request,
            content,
            kind,
        };
        self.writer.send(&LaneMessage::BlobRequest(message)).await?;
        self.top_up().await?;
        let total = match self.next_event().await? {
            LaneEvent::Message(LaneMessage::BlobStart(start)) if start.request == request => {
                start.bytes
            }
            LaneEvent::Message(LaneMessage::Gone(_)) => return Err(BlobError::NotThere),
            LaneEvent::Message(_) | LaneEvent::Data { .. } => return Err(BlobError::NotAsked),
        };
        if total > kind.bytes_max() {
            return Err(BlobError::NotAsked);
        }
        let longest = PATIENCE + Duration::from_secs(total / SLOWEST);
        let all = tokio::time::timeout(longest, self.read_all(request, total)).await;
        all.map_err(|_late| BlobError::Silent)?
    }

    async fn read_all(&mut self, request: RequestId, total: u64) -> Result<Vec<u8>, BlobError> {
        let mut blob = Vec::new();
        while (blob.len() as u64) < total {
            let LaneEvent::Data { header, bytes } = self.next_event().await? else {
                return Err(BlobError::NotAsked);
            };
            let end = blob.len() + bytes as usize;
            let continues = header.request == request && header.offset as usize == blob.len();
            self.credit = self.credit.checked_sub(bytes).ok_or(BlobError::NotAsked)?;
            if !continues || end as u64 > total || bytes == 0 {
                return Err(BlobError::NotAsked);
            }
            let start = blob.len();
            blob.resize(end, 0);
            let space = blob.get_mut(start..).unwrap_or_default();
            let read = self.reader.read_data(space);
            tokio::time::timeout(PATIENCE, read)
                .await
                .map_err(|_late| BlobError::Silent)??;
            self.top_up().await?;
        }
        Ok(blob)
    }

    async fn top_up(&mut self) -> Result<(), BlobError> {
        if self.credit <= WINDOW / 2 {
            let bytes = WINDOW - self.credit;
            self.credit = WINDOW;
            self.writer
                .send(&LaneMessage::Credit(Credit { bytes }))
                .await?;
        }
        Ok(self.writer.flush().await?)
    }

    async fn next_event(&mut self) -> Result<LaneEvent, BlobError> {
        let event = tokio::time::timeout(PATIENCE, self.reader.next()).await;
        Ok(event.map_err(|_late| BlobError::Silent)??)
    }
}
