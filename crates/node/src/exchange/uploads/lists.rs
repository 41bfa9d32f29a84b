//! Manifests and chunk maps that peers ask for.

use bytes::Bytes;
use lanspread_proto::{
    ContentId,
    wire::lane::{BlobKind, BlobRequest, GoneReason},
};
use lanspread_swarm::{credit::LaneId, upload::RequestKey};

use super::{
    super::{
        Msg, Served,
        blobs::{self, Opened},
    },
    Command, LaneEvent, Uploads, gone,
};

impl Uploads {
    pub(super) fn on_blob_request(
        &mut self,
        lane: LaneId,
        blob: BlobRequest,
        served: Option<&Served>,
    ) {
        let request = blob.request;
        let Some(served) = served else {
            return self.tell(lane, gone(request, GoneReason::NotHere));
        };
        if !self.lanes.contains_key(&lane) {
            return;
        }
        let key = RequestKey { lane, request };
        match self.blobs.open(key, blob.kind, served) {
            Opened::Here(bytes) => self.tell(lane, Command::Blob { request, bytes }),
            Opened::Waits => {}
            Opened::Encode => self.encode(blob.kind, served.clone()),
            Opened::TooMany => {
                tracing::debug!(lane = lane.0, "a peer asks for too many blobs at once");
                self.close(lane);
            }
        }
    }

    /// The largest lists take a while: that is for other threads.
    fn encode(&self, kind: BlobKind, served: Served) {
        let (pieces, mailbox) = (self.ports.pieces.clone(), self.ports.mailbox.clone());
        let span = tracing::debug_span!("encode");
        self.ports.tasks.spawn_until_stop(span, async move {
            let work = move || {
                let content = served.manifest.content();
                let bytes = blobs::encode(kind, &served);
                let encoded = LaneEvent::Encoded {
                    content,
                    kind,
                    bytes,
                };
                mailbox.blocking_send(Msg::OnLane(encoded));
            };
            pieces.submit(work).await;
        });
    }

    pub(super) fn on_encoded(&mut self, of: (ContentId, BlobKind), bytes: Bytes) {
        for key in self.blobs.on_encoded(of, &bytes) {
            let (request, bytes) = (key.request, bytes.clone());
            self.tell(key.lane, Command::Blob { request, bytes });
        }
    }
}
