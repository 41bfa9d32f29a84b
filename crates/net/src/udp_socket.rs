//! [`UdpSocket`]: the UDP socket below QUIC, which survives adapters that cannot segment.
//!
//! Some drivers refuse batches of datagrams (GSO, USO). quinn takes the refusal for packet loss and
//! crawls. Here the batch is sent again piece by piece, and if that works, never batched again.
//! A probe echo, or a simulated network, would have its place in the same type.

use std::{
    fmt,
    future::Future,
    io::{self, IoSliceMut},
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use quinn::{
    AsyncUdpSocket, UdpPoller,
    udp::{RecvMeta, Transmit, UdpSocketState},
};
use tokio::io::Interest;

/// See the module.
#[derive(Debug)]
pub(crate) struct UdpSocket {
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    /// Batches do not work here.
    plain: AtomicBool,
}

impl UdpSocket {
    /// Takes a bound, non-blocking socket.
    pub(crate) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        Ok(Self {
            state: UdpSocketState::new((&socket).into())?,
            io: tokio::net::UdpSocket::from_std(socket)?,
            plain: AtomicBool::new(false),
        })
    }

    fn send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let error = match self.send_once(transmit) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
            Err(error) => error,
        };
        let batch = transmit
            .segment_size
            .filter(|size| *size < transmit.contents.len());
        if let Some(size) = batch
            && self.send_piecewise(transmit, size).is_ok()
        {
            self.plain.store(true, Ordering::Relaxed);
            tracing::info!(%error, "this network adapter takes no batches of datagrams");
        } else {
            // QUIC sends again what does not arrive; a probe for a larger packet size ends here.
            tracing::trace!(%error, to = %transmit.destination, "a datagram was not sent");
        }
        Ok(())
    }

    fn send_piecewise(&self, transmit: &Transmit<'_>, size: usize) -> io::Result<()> {
        transmit.contents.chunks(size).try_for_each(|contents| {
            let piece = Transmit {
                contents,
                segment_size: None,
                ..transmit.clone()
            };
            match self.send_once(&piece) {
                // What no longer fits is lost like any packet in a full queue.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                sent => sent,
            }
        })
    }

    fn send_once(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.state.try_send((&self.io).into(), transmit)
    }
}

impl AsyncUdpSocket for UdpSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(WritePoller {
            socket: self,
            waiting: None,
        })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.io.try_io(Interest::WRITABLE, || self.send(transmit))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.io.poll_recv_ready(cx))?;
            let received = self.io.try_io(Interest::READABLE, || {
                self.state.recv((&self.io).into(), bufs, meta)
            });
            match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // An unreachable peer's answer to an earlier datagram, on some systems.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                result => return Poll::Ready(result),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        if self.plain.load(Ordering::Relaxed) {
            1
        } else {
            self.state.max_gso_segments()
        }
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }
}

type Writable = Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>;

/// Wakes one connection when the socket can be written again.
struct WritePoller {
    socket: Arc<UdpSocket>,
    waiting: Option<Writable>,
}

impl UdpPoller for WritePoller {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = Arc::clone(&self.socket);
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(async move { socket.io.writable().await }));
        let result = ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        Poll::Ready(result)
    }
}

impl fmt::Debug for WritePoller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WritePoller")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (UdpSocket, std::net::UdpSocket) {
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.set_nonblocking(true).unwrap();
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        (UdpSocket::new(sender).unwrap(), receiver)
    }

    #[tokio::test]
    async fn a_refused_batch_goes_piece_by_piece_and_is_the_last() {
        let (sender, receiver) = pair();
        // 50 × 1,400 bytes are more than one send can take: the kernel refuses the batch.
        let contents = vec![7; 50 * 1_400];
        let transmit = Transmit {
            destination: receiver.local_addr().unwrap(),
            ecn: None,
            contents: &contents,
            segment_size: Some(1_400),
            src_ip: None,
        };
        sender.send(&transmit).unwrap();
        assert_eq!(sender.max_transmit_segments(), 1);
        let mut buffer = [0; 2_000];
        assert_eq!(receiver.recv(&mut buffer).unwrap(), 1_400);
    }

    #[tokio::test]
    async fn another_error_does_not_end_batches() {
        let (sender, _receiver) = pair();
        let before = sender.max_transmit_segments();
        let contents = [7; 2_800];
        // Broadcasting needs leave that this socket has not: batch or not, it is refused.
        let transmit = Transmit {
            destination: "127.255.255.255:9".parse().unwrap(),
            ecn: None,
            contents: &contents,
            segment_size: Some(1_400),
            src_ip: None,
        };
        sender.send(&transmit).unwrap();
        assert_eq!(sender.max_transmit_segments(), before);
    }
}
