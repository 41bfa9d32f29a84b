//! One link: the exchange of hellos, and the task that passes on what the peer says.
//!
//! Invariant: everybody who hears of a peer hears *up*, then its messages, then *down*, and the
//! next
//! link to the same peer comes up only after that. A peer that says more than it may waits.

use std::time::Duration;

use lanspread_net::{Link, LinkError, LinkReceiver, LinkSender};
use lanspread_proto::{
    PeerId,
    wire::{
        LinkMessage, PROTOCOL_NEWEST, PROTOCOL_OLDEST,
        link::{Goodbye, Hello, Sharing},
    },
};
use lanspread_swarm::{bucket::Bucket, peers::LinkId};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Msg;
use crate::{actor::Mailbox, clock::Clock, exchange, library};

/// What a peer may say about pieces in a second: ten gigabits are 1,200 pieces, each of which it
/// offers, has and declines at most once.
const TALK_PER_SECOND: u32 = 4_000;
/// The same at once: maps of a few downloads.
const TALK_BURST: u32 = 8_000;
/// Pieces in one message that cost as much as a message.
const PIECES_PER_TOKEN: usize = 64;

/// A link on which both sides have said who they are.
#[derive(Debug)]
pub(crate) struct Greeted {
    pub(super) sender: LinkSender,
    pub(super) receiver: LinkReceiver,
    pub(super) hello: Hello,
}

/// Says hello and waits for the other's.
pub(super) async fn greet(link: Link, hello: Hello) -> Result<Greeted, LinkError> {
    let (sender, mut receiver) = link.split();
    sender.send(&LinkMessage::Hello(hello)).await?;
    let hello = receiver.recv_hello().await?;
    let (oldest, newest) = hello.protocol;
    if oldest > PROTOCOL_NEWEST || newest < PROTOCOL_OLDEST {
        sender.close(Goodbye::Version).await;
        return Err(LinkError::Goodbye {
            peer: sender.peer(),
            reason: Goodbye::Version,
        });
    }
    Ok(Greeted {
        sender,
        receiver,
        hello,
    })
}

/// Where a link delivers.
#[derive(Debug, Clone)]
pub(super) struct LinkPorts {
    pub(super) peers: Mailbox<Msg>,
    pub(super) exchange: Mailbox<exchange::Msg>,
    pub(super) library: Mailbox<library::Msg>,
    pub(super) clock: Clock,
}

/// The task of one link.
#[derive(Debug)]
pub(super) struct LinkTask {
    pub(super) link: LinkId,
    pub(super) peer: PeerId,
    pub(super) receiver: LinkReceiver,
    pub(super) hello: Hello,
    pub(super) ports: LinkPorts,
    /// The link is given up here.
    pub(super) stop: CancellationToken,
    /// Ends when the link to the same peer before this one is down for everybody.
    pub(super) after: Option<oneshot::Receiver<()>>,
    /// Dropped when this one is.
    pub(super) done: oneshot::Sender<()>,
}

impl LinkTask {
    /// Runs until the link ends.
    pub(super) async fn run(mut self) {
        if let Some(before) = self.after.take() {
            // An error is how it ends: nothing is ever sent.
            drop(before.await);
        }
        let peer = self.peer;
        self.tell_up().await;
        let stop = self.stop.clone();
        let error = stop.run_until_cancelled(self.pass_on()).await;
        let error = error.unwrap_or(LinkError::Closed(peer));
        self.ports
            .exchange
            .send(exchange::Msg::PeerDown { peer })
            .await;
        self.ports
            .library
            .send(library::Msg::PeerDown { peer })
            .await;
        let link = self.link;
        let ended = Msg::LinkEnded { peer, link, error };
        self.ports.peers.send(ended).await;
        drop(self.done);
    }

    async fn tell_up(&self) {
        let peer = self.peer;
        self.ports
            .exchange
            .send(exchange::Msg::PeerUp { peer })
            .await;
        if self.hello.sharing == Sharing::Paused {
            let message = LinkMessage::Sharing(Sharing::Paused);
            let paused = exchange::Msg::FromPeer { peer, message };
            self.ports.exchange.send(paused).await;
        }
        let digest = self.hello.library;
        self.ports
            .library
            .send(library::Msg::PeerUp { peer, digest })
            .await;
    }

    async fn pass_on(&mut self) -> LinkError {
        let peer = self.peer;
        let mut pace = Bucket::control();
        let mut talk = Bucket::new(TALK_PER_SECOND, Duration::from_secs(1), TALK_BURST);
        loop {
            let message = match self.receiver.recv().await {
                Ok(message) => message,
                Err(error) => return error,
            };
            match audience(&message) {
                Audience::Library => {
                    self.wait_for(&mut pace).await;
                    let said = library::Msg::FromPeer { peer, message };
                    self.ports.library.send(said).await;
                }
                Audience::Exchange => {
                    for _ in 0..weight(&message) {
                        self.wait_for(&mut talk).await;
                    }
                    let said = exchange::Msg::FromPeer { peer, message };
                    self.ports.exchange.send(said).await;
                }
                Audience::Peers => {
                    self.wait_for(&mut pace).await;
                    self.tell_peers(message).await;
                }
                Audience::Both => {
                    self.wait_for(&mut pace).await;
                    self.tell_peers(message.clone()).await;
                    let said = exchange::Msg::FromPeer { peer, message };
                    self.ports.exchange.send(said).await;
                }
                Audience::Nobody => {
                    let reason = Goodbye::Violation;
                    self.ports.peers.send(Msg::Refuse { peer, reason }).await;
                }
            }
        }
    }

    async fn tell_peers(&self, message: LinkMessage) {
        let (peer, link) = (self.peer, self.link);
        let said = Msg::FromLink {
            peer,
            link,
            message,
        };
        self.ports.peers.send(said).await;
    }

    /// Whoever says more than it may is not heard faster.
    async fn wait_for(&self, pace: &mut Bucket) {
        loop {
            let now = self.ports.clock.now();
            if pace.take(now) {
                return;
            }
            tokio::time::sleep_until(self.ports.clock.at(pace.ready_at())).await;
        }
    }
}

/// What a message costs whoever takes it in: more, if it names many pieces.
fn weight(message: &LinkMessage) -> usize {
    1 + if let LinkMessage::Have(have) = message {
        have.pieces.len() / PIECES_PER_TOKEN
    } else if let LinkMessage::HaveMap(map) = message {
        // A bit is cheaper than a number.
        map.bits.len() / PIECES_PER_TOKEN
    } else {
        0
    }
}

/// Whom a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    Library,
    Exchange,
    Peers,
    Both,
    /// It must not come here.
    Nobody,
}

const fn audience(message: &LinkMessage) -> Audience {
    match message {
        LinkMessage::Hello(_) | LinkMessage::Goodbye(_) => Audience::Nobody,
        LinkMessage::Sharing(_) => Audience::Both,
        LinkMessage::Update(_)
        | LinkMessage::LanesWanted(_)
        | LinkMessage::PeerHints(_)
        | LinkMessage::MeetWanted(_)
        | LinkMessage::Meet(_) => Audience::Peers,
        LinkMessage::LibraryWant(_)
        | LinkMessage::LibraryPage(_)
        | LinkMessage::LibraryDelta(_)
        | LinkMessage::LibraryChanged(_) => Audience::Library,
        LinkMessage::Interest(_)
        | LinkMessage::HaveWanted(_)
        | LinkMessage::HaveMap(_)
        | LinkMessage::Have(_)
        | LinkMessage::HaveNot(_)
        | LinkMessage::Offer(_)
        | LinkMessage::OfferDeclined(_)
        | LinkMessage::BadChunk(_) => Audience::Exchange,
    }
}

#[cfg(test)]
mod tests {
    use lanspread_proto::{
        ContentId, PieceIndex, limits,
        wire::{Bounded, link::Have},
    };
    use lanspread_swarm::time::Instant;

    use super::*;

    fn have(count: usize) -> LinkMessage {
        let pieces = (0..u32::try_from(count).unwrap()).map(PieceIndex);
        LinkMessage::Have(Have {
            content: ContentId::from_bytes([1; 32]),
            pieces: Bounded::cut(pieces),
            queued_bytes: 0,
        })
    }

    /// Pieces that are heard of in the first second of a flood.
    fn heard(message: &LinkMessage, pieces: usize) -> usize {
        let mut talk = Bucket::new(TALK_PER_SECOND, Duration::from_secs(1), TALK_BURST);
        let end = Instant::ZERO + Duration::from_secs(1);
        let mut tokens = 0;
        while talk.take(end) {
            tokens += 1;
        }
        tokens / weight(message) * pieces
    }

    #[test]
    fn a_flood_of_haves_is_bounded_by_what_it_says() {
        assert_eq!(weight(&have(0)), 1);
        assert_eq!(weight(&have(limits::HAVE_PIECES_MAX)), 65);
        // A message each is as dear as it is now, and large ones bring no more than a big download.
        assert!(heard(&have(1), 1) <= 8_000);
        assert!(heard(&have(limits::HAVE_PIECES_MAX), limits::HAVE_PIECES_MAX) <= 512 * 1_024);
    }
}
