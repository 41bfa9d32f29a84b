//! Peers that keep to the protocol and not to its purpose: they lie, stall, or ask for what is
//! nobody's business. Built on the product's own sockets and messages, in this process.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use lanspread_net::{
    BindConfig, Endpoint, Identity, Incoming, Lane, LaneEvent, LaneReader, LaneWriter, Link,
};
use lanspread_proto::{
    ContentId, PieceIndex,
    library::{LibraryDigest, hash_entries},
    limits::DATA_BYTES_MAX,
    text::PeerName,
    wire::{
        Bounded, DataHeader, Extensions, LaneMessage, LinkMessage, PROTOCOL_NEWEST,
        PROTOCOL_OLDEST,
        lane::{
            BlobKind, BlobRequest, BlobStart, Busy, Credit, Gone, GoneReason, LaneRole, Request,
            RequestId,
        },
        link::{HaveMap, Hello, LibraryPage, Reachability, Sharing},
    },
};
use tokio::{runtime::Runtime, sync::mpsc};

use crate::offer::Offer;

/// How a peer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Habit {
    /// As it should.
    Honest,
    /// One chunk in so many has a wrong bit.
    Lies(u32),
    /// Takes requests and never sends a piece.
    Stalls,
    /// Sends one byte of each piece, and no more.
    Trickles,
    /// Never answers who asks for the list of files.
    HidesLists,
    /// Has one wrong byte in the list of files.
    FakesLists,
    /// Sends the bytes of the piece before the one that is asked for.
    Swaps,
    /// Tells of everything, and has nothing when it is asked.
    HasNothing,
    /// Is always busy, with nothing before.
    Busy,
    /// Its disk fails, each time.
    DiskFault,
    /// Sends half of a piece and says that the rest was cancelled.
    CutsShort,
    /// Sends without being granted.
    Overruns,
    /// Closes the lane as soon as it is asked for something.
    HangsUp,
}

impl Habit {
    /// Every kind of ill will.
    pub(crate) const ILL: [Self; 12] = [
        Self::Lies(1),
        Self::Stalls,
        Self::CutsShort,
        Self::HidesLists,
        Self::Swaps,
        Self::Trickles,
        Self::Busy,
        Self::FakesLists,
        Self::Overruns,
        Self::HasNothing,
        Self::DiskFault,
        Self::HangsUp,
    ];

    /// It sends wrong bytes, of pieces or of lists.
    pub(crate) const fn tells_wrong_bytes(self) -> bool {
        matches!(self, Self::Lies(_) | Self::Swaps | Self::FakesLists)
    }
}

/// A peer of this process that offers contents. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Wicked {
    runtime: Runtime,
    endpoint: Endpoint,
    key: String,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    habit: Habit,
    offers: Vec<Offer>,
    address: SocketAddr,
    seen: Mutex<Seen>,
}

/// What happened to it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Pieces that were asked for.
    pub(crate) requests: u32,
    /// Times that it was told of a bad chunk.
    pub(crate) complaints: u32,
}

impl Wicked {
    /// Starts it on loopback.
    pub(crate) fn start(habit: Habit, offers: Vec<Offer>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let identity = Arc::new(Identity::generate().unwrap());
        let key = identity.peer_id().to_string();
        let mut config = BindConfig::new(identity);
        (config.ip, config.port) = (IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let (endpoint, incoming) = runtime.block_on(async { Endpoint::bind(config).unwrap() });
        let inner = Arc::new(Inner {
            habit,
            offers,
            address: endpoint.local_addr(),
            seen: Mutex::default(),
        });
        runtime.spawn(accept(Arc::clone(&inner), incoming));
        Self {
            runtime,
            endpoint,
            key,
            inner,
        }
    }

    /// Its public key.
    pub(crate) fn key(&self) -> String {
        self.key.clone()
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        self.inner.address.to_string()
    }

    /// What happened so far.
    pub(crate) fn seen(&self) -> Seen {
        self.inner.seen.lock().unwrap().clone()
    }

    /// Asks a peer for blobs and pieces, one after the other; what came instead of an answer of
    /// data is the reason why not.
    pub(crate) fn pry(
        &self,
        peer: SocketAddr,
        wishes: &[Wish],
    ) -> Vec<Result<Vec<u8>, GoneReason>> {
        let all = async {
            let link = self.endpoint.dial_link(peer, None).await.unwrap();
            let key = link.peer();
            let talking = tokio::spawn(talk(Arc::clone(&self.inner), link));
            let lane = self
                .endpoint
                .dial_lane(peer, key, LaneRole::Fetch)
                .await
                .unwrap();
            let (mut reader, mut writer) = lane.split();
            let mut answers = Vec::new();
            for (number, wish) in (0..).zip(wishes) {
                let message = wish.message(RequestId(number));
                writer.send(&message).await.unwrap();
                let credit = LaneMessage::Credit(Credit { bytes: 16 << 20 });
                writer.send(&credit).await.unwrap();
                writer.flush().await.unwrap();
                answers.push(answer(&mut reader, wish).await);
            }
            talking.abort();
            answers
        };
        let limited = async { tokio::time::timeout(Duration::from_secs(60), all).await };
        self.runtime.block_on(limited).unwrap()
    }
}

/// Something to ask for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wish {
    /// The list of files.
    Manifest(ContentId),
    /// A piece of so many bytes.
    Piece(ContentId, PieceIndex, usize),
}

impl Wish {
    fn message(&self, request: RequestId) -> LaneMessage {
        match *self {
            Self::Manifest(content) => LaneMessage::BlobRequest(BlobRequest {
                request,
                content,
                kind: BlobKind::Manifest,
            }),
            Self::Piece(content, piece, _) => LaneMessage::Request(Request {
                request,
                content,
                piece,
            }),
        }
    }
}

async fn answer(reader: &mut LaneReader, wish: &Wish) -> Result<Vec<u8>, GoneReason> {
    let mut expected = match wish {
        Wish::Manifest(_) => None,
        Wish::Piece(_, _, bytes) => Some(*bytes),
    };
    let mut found = Vec::new();
    loop {
        match reader.next().await.unwrap() {
            LaneEvent::Message(LaneMessage::BlobStart(start)) => {
                expected = Some(usize::try_from(start.bytes).unwrap());
            }
            LaneEvent::Message(LaneMessage::Gone(gone)) => return Err(gone.reason),
            LaneEvent::Message(other) => panic!("{other:?}"),
            LaneEvent::Data { bytes, .. } => {
                let start = found.len();
                found.resize(start + usize::try_from(bytes).unwrap(), 0);
                reader.read_data(&mut found[start..]).await.unwrap();
            }
        }
        if expected == Some(found.len()) {
            return Ok(found);
        }
    }
}

async fn accept(inner: Arc<Inner>, mut incoming: mpsc::Receiver<Incoming>) {
    while let Some(next) = incoming.recv().await {
        let inner = Arc::clone(&inner);
        match next {
            Incoming::Link(link) => tokio::spawn(talk(inner, link)),
            Incoming::Lane { lane, .. } => tokio::spawn(serve(inner, lane)),
        };
    }
}

/// A link until it ends.
async fn talk(inner: Arc<Inner>, link: Link) {
    let (sender, mut receiver) = link.split();
    let entries: Vec<_> = inner.offers.iter().map(Offer::entry).collect();
    let digest = LibraryDigest {
        epoch: 7,
        revision: 1,
        count: u32::try_from(entries.len()).unwrap(),
        hash: hash_entries(&entries),
    };
    let hello = Hello {
        protocol: (PROTOCOL_OLDEST, PROTOCOL_NEWEST),
        features: 0,
        boot: u64::from(inner.address.port()),
        name: PeerName::clean("wicked"),
        addresses: Bounded::cut([inner.address]),
        reachable: Reachability::Open,
        sharing: Sharing::On,
        library: digest,
        extensions: Extensions::default(),
    };
    if sender.send(&LinkMessage::Hello(hello)).await.is_err() {
        return;
    }
    while let Ok(message) = receiver.recv().await {
        let answer = match message {
            LinkMessage::LibraryWant(_) => LinkMessage::LibraryPage(LibraryPage {
                digest,
                page: 0,
                last: true,
                entries: Bounded::cut(entries.clone()),
            }),
            LinkMessage::Interest(interest) => {
                let offer = inner
                    .offers
                    .iter()
                    .find(|o| o.content() == interest.content);
                let Some(offer) = offer else { continue };
                LinkMessage::HaveMap(HaveMap {
                    content: interest.content,
                    first: PieceIndex(0),
                    last: true,
                    bits: Bounded::cut(offer.full_map()),
                })
            }
            LinkMessage::BadChunk(_) => {
                inner.seen.lock().unwrap().complaints += 1;
                continue;
            }
            _ => continue,
        };
        if sender.send(&answer).await.is_err() {
            return;
        }
    }
}

/// A lane on which it sends, until it ends.
async fn serve(inner: Arc<Inner>, lane: Lane) {
    let (mut reader, writer) = lane.split();
    let mut sending = Sending {
        writer,
        credit: match inner.habit {
            // More than there is to send.
            Habit::Overruns => u64::from(u32::MAX),
            _ => 0,
        },
        cuts: inner.habit == Habit::CutsShort,
        queue: Vec::new(),
    };
    while let Ok(LaneEvent::Message(message)) = reader.next().await {
        match message {
            LaneMessage::Credit(credit) => sending.credit += u64::from(credit.bytes),
            LaneMessage::Request(request) => {
                inner.seen.lock().unwrap().requests += 1;
                if inner.habit == Habit::HangsUp {
                    return;
                }
                sending.on_request(&inner, request).await;
            }
            LaneMessage::BlobRequest(_) if inner.habit == Habit::HidesLists => {}
            LaneMessage::BlobRequest(blob) => sending.start_blob(&inner, blob).await,
            LaneMessage::Cancel(request) => {
                sending.queue.retain(|(queued, ..)| *queued != request);
                sending.refuse(request, GoneReason::Cancelled).await;
            }
            other => panic!("{other:?}"),
        }
        if sending.go_on().await.is_err() {
            return;
        }
    }
}

impl Inner {
    fn offer(&self, content: ContentId) -> Option<&Offer> {
        self.offers.iter().find(|offer| offer.content() == content)
    }

    /// The bytes of a piece, as this peer tells them.
    fn piece(&self, request: Request) -> Option<Vec<u8>> {
        let offer = self.offer(request.content)?;
        let (piece, mut bytes) = offer.piece(request.piece)?;
        if self.habit == Habit::Swaps {
            let before = PieceIndex(request.piece.0.checked_sub(1)?);
            let length = bytes.len();
            bytes = offer.piece(before)?.1;
            bytes.resize(length, 0);
        }
        if let Habit::Lies(one_in) = self.habit
            && piece
                .chunks
                .clone()
                .any(|chunk| chunk % one_in == one_in / 2)
        {
            bytes[0] ^= 1;
        }
        Some(bytes)
    }
}

struct Sending {
    writer: LaneWriter,
    credit: u64,
    /// A piece ends in its middle.
    cuts: bool,
    /// Request, bytes sent of it, its bytes.
    queue: Vec<(RequestId, usize, Vec<u8>)>,
}

impl Sending {
    async fn on_request(&mut self, inner: &Inner, asked: Request) {
        let request = asked.request;
        let Some(mut bytes) = inner.piece(asked) else {
            return self.refuse(request, GoneReason::NotHere).await;
        };
        match inner.habit {
            Habit::Stalls => {}
            Habit::Trickles => drop(self.send_byte(request).await),
            Habit::HasNothing => self.refuse(request, GoneReason::NotHere).await,
            Habit::DiskFault => self.refuse(request, GoneReason::DiskFault).await,
            Habit::Busy => {
                let queued_bytes = 0;
                let busy = LaneMessage::Busy(Busy {
                    request,
                    queued_bytes,
                });
                drop(self.writer.send(&busy).await);
            }
            Habit::CutsShort => {
                bytes.truncate(bytes.len() / 2);
                self.queue.push((request, 0, bytes));
            }
            _ => self.queue.push((request, 0, bytes)),
        }
    }

    async fn refuse(&mut self, request: RequestId, reason: GoneReason) {
        let gone = LaneMessage::Gone(Gone { request, reason });
        // A broken lane shows at the next step.
        drop(self.writer.send(&gone).await);
    }

    async fn start_blob(&mut self, inner: &Inner, blob: BlobRequest) {
        let Some(offer) = inner.offer(blob.content) else {
            return self.refuse(blob.request, GoneReason::NotHere).await;
        };
        let mut bytes = match blob.kind {
            BlobKind::Manifest => offer.manifest.encode(),
            BlobKind::ChunkMap => offer.map.encode(),
        };
        if inner.habit == Habit::FakesLists {
            *bytes.last_mut().unwrap() ^= 1;
        }
        let start = LaneMessage::BlobStart(BlobStart {
            request: blob.request,
            bytes: bytes.len() as u64,
        });
        drop(self.writer.send(&start).await);
        self.queue.push((blob.request, 0, bytes));
    }

    /// Sends the first byte of a piece.
    async fn send_byte(&mut self, request: RequestId) -> Result<(), lanspread_net::LinkError> {
        let header = DataHeader { request, offset: 0 };
        if self.credit > 0 {
            self.credit -= 1;
            self.writer.send_data(header, &[0]).await?;
        }
        self.writer.flush().await
    }

    /// Sends what there is credit for.
    async fn go_on(&mut self) -> Result<(), lanspread_net::LinkError> {
        while self.credit > 0 && !self.queue.is_empty() {
            let (request, sent, bytes) = &mut self.queue[0];
            let most = self.credit.min(u64::from(DATA_BYTES_MAX));
            let end = bytes.len().min(*sent + usize::try_from(most).unwrap());
            let header = DataHeader {
                request: *request,
                offset: u32::try_from(*sent).unwrap(),
            };
            self.writer.send_data(header, &bytes[*sent..end]).await?;
            self.credit -= (end - *sent) as u64;
            *sent = end;
            if end == bytes.len() {
                let (request, ..) = self.queue.remove(0);
                if self.cuts {
                    self.refuse(request, GoneReason::Cancelled).await;
                }
            }
        }
        self.writer.flush().await
    }
}
