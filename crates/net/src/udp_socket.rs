//! [`UdpSocket`]: the UDP socket below QUIC, which survives adapters that cannot segment.
//!
//! Some drivers refuse batches of datagrams (GSO, USO). quinn takes the refusal for packet loss and
//! crawls. Here the batch is sent again piece by piece, and if that works, never batched again.
//! Where the fast ways cannot even be set up (old systems, odd adapters), datagrams go one by one,
//! without anything around them. A probe echo, or a simulated network, would have its place in the
//! same type.

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
    /// The fast ways; `None` where this system has none of them.
    fast: Option<UdpSocketState>,
    /// Batches do not work here.
    plain: AtomicBool,
}

impl UdpSocket {
    /// Takes a bound, non-blocking socket.
    pub(crate) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let fast = UdpSocketState::new((&socket).into())
            .inspect_err(|error| tracing::info!(%error, "plain datagrams only"))
            .ok();
        Self::with(socket, fast)
    }

    fn with(socket: std::net::UdpSocket, fast: Option<UdpSocketState>) -> io::Result<Self> {
        Ok(Self {
            fast,
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
        match &self.fast {
            Some(fast) => fast.try_send((&self.io).into(), transmit),
            None => self.send_plain(transmit),
        }
    }

    fn receive(&self, bufs: &mut [IoSliceMut<'_>], meta: &mut [RecvMeta]) -> io::Result<usize> {
        match &self.fast {
            Some(fast) => fast.recv((&self.io).into(), bufs, meta),
            None => self.receive_plain(bufs, meta),
        }
    }

    fn send_plain(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let size = transmit.segment_size.unwrap_or(transmit.contents.len());
        for piece in transmit.contents.chunks(size.max(1)) {
            self.io.try_send_to(piece, transmit.destination)?;
        }
        Ok(())
    }

    fn receive_plain(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> io::Result<usize> {
        let (Some(buffer), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else {
            return Ok(0);
        };
        let (len, addr) = self.io.try_recv_from(buffer)?;
        *meta = RecvMeta {
            addr,
            len,
            stride: len,
            ecn: None,
            dst_ip: None,
        };
        Ok(1)
    }
}

/// What is wrong with one datagram, not with the socket: an unreachable peer's answer to an earlier
/// one, or one that is longer than any of ours. Windows says both to whoever reads.
fn is_of_one_datagram(error: &io::Error) -> bool {
    /// `WSAEMSGSIZE`, `WSAENETRESET`.
    const CODES: [i32; 2] = [10_040, 10_052];
    error.kind() == io::ErrorKind::ConnectionReset
        || (cfg!(windows) && error.raw_os_error().is_some_and(|e| CODES.contains(&e)))
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
            let received = self
                .io
                .try_io(Interest::READABLE, || self.receive(bufs, meta));
            match received {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if is_of_one_datagram(&error) => {}
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
            self.fast
                .as_ref()
                .map_or(1, UdpSocketState::max_gso_segments)
        }
    }

    fn max_receive_segments(&self) -> usize {
        self.fast.as_ref().map_or(1, UdpSocketState::gro_segments)
    }

    fn may_fragment(&self) -> bool {
        // Nobody forbade it, so a probe for a larger packet size would prove nothing.
        self.fast.as_ref().is_none_or(UdpSocketState::may_fragment)
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

    /// Plain datagrams carry a batch one by one, and arrive one by one.
    #[tokio::test]
    async fn without_the_fast_ways() {
        let socket = || {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            UdpSocket::with(socket, None).unwrap()
        };
        let (sender, receiver) = (socket(), socket());
        assert_eq!(sender.max_transmit_segments(), 1);
        assert!(sender.may_fragment());
        let transmit = Transmit {
            destination: receiver.local_addr().unwrap(),
            ecn: None,
            contents: &[7; 2_000],
            segment_size: Some(1_400),
            src_ip: None,
        };
        sender.io.writable().await.unwrap();
        AsyncUdpSocket::try_send(&sender, &transmit).unwrap();
        for expected in [1_400, 600] {
            let mut buffer = [0; 2_000];
            let mut meta = [RecvMeta::default()];
            let received = std::future::poll_fn(|cx| {
                receiver.poll_recv(cx, &mut [IoSliceMut::new(&mut buffer)], &mut meta)
            });
            assert_eq!(received.await.unwrap(), 1);
            assert_eq!((meta[0].len, meta[0].stride), (expected, expected));
            assert_eq!(meta[0].addr, sender.local_addr().unwrap());
        }
    }

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
