//! One port number, for UDP and TCP: the sockets that a peer listens on.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket},
};

use socket2::{Domain, Protocol, Socket, Type};

use crate::limits;

/// Connections that the kernel keeps before they are accepted.
const BACKLOG: i32 = 128;

/// Why a peer cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The sockets cannot be opened.
    #[error("cannot listen on {address}: {source}")]
    Socket {
        /// Where.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The identity cannot be used for TLS.
    #[error("the identity cannot be used: {0}")]
    Identity(#[source] rustls::Error),
    /// The TLS configuration does not fit QUIC.
    #[error("QUIC cannot use the TLS configuration: {0}")]
    Quic(#[source] quinn::crypto::rustls::NoInitialCipherSuite),
}

impl BindError {
    /// The port is taken: another one may do.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Socket { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }
}

/// Both sockets, non-blocking, on one port.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) udp: UdpSocket,
    pub(crate) tcp: TcpListener,
    pub(crate) address: SocketAddr,
}

/// Binds both. `::` also takes IPv4 and falls back to it where there is no IPv6. Port 0 draws a
/// free one; the default port, if taken, leads to the next free one; another port is that or none.
pub(crate) fn bind(ip: IpAddr, port: u16) -> Result<Sockets, BindError> {
    match bind_family(ip, port) {
        Err(error) if ip == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && !error.is_taken() => {
            tracing::info!(%error, "no IPv6 here, listening on IPv4 only");
            bind_family(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
        }
        result => result,
    }
}

fn bind_family(ip: IpAddr, port: u16) -> Result<Sockets, BindError> {
    let ports: Vec<u16> = match port {
        0 => vec![0; limits::FREE_PORT_DRAWS],
        limits::DEFAULT_PORT => (port..port + limits::PORTS_TRIED).collect(),
        exact => vec![exact],
    };
    let mut last = None;
    for port in ports {
        match bind_pair(SocketAddr::new(ip, port)) {
            Err(error) if error.is_taken() => last = Some(error),
            result => return result,
        }
    }
    Err(last.unwrap_or_else(|| BindError::Socket {
        address: SocketAddr::new(ip, port),
        source: io::ErrorKind::AddrInUse.into(),
    }))
}

fn bind_pair(address: SocketAddr) -> Result<Sockets, BindError> {
    let attempt = || {
        let tcp = bind_one(address, Type::STREAM)?;
        tcp.listen(BACKLOG)?;
        let tcp = TcpListener::from(tcp);
        let address = tcp.local_addr()?;
        let udp = bind_one(address, Type::DGRAM)?;
        // Less than wished for is no reason to fail.
        let _smaller = udp.set_recv_buffer_size(limits::UDP_BUFFER_BYTES);
        let _smaller = udp.set_send_buffer_size(limits::UDP_BUFFER_BYTES);
        Ok(Sockets {
            udp: udp.into(),
            tcp,
            address,
        })
    };
    attempt().map_err(|source| BindError::Socket { address, source })
}

fn bind_one(address: SocketAddr, kind: Type) -> io::Result<Socket> {
    let protocol = if kind == Type::STREAM {
        Protocol::TCP
    } else {
        Protocol::UDP
    };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        socket.set_only_v6(false)?;
    }
    // A restart must not wait for old connections; on Windows the option means sharing the port.
    #[cfg(unix)]
    if kind == Type::STREAM {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn one_number_for_both() {
        let sockets = bind(LOOPBACK, 0).unwrap();
        let port = sockets.address.port();
        assert_ne!(port, 0);
        assert_eq!(sockets.tcp.local_addr().unwrap().port(), port);
        assert_eq!(sockets.udp.local_addr().unwrap().port(), port);
    }

    #[test]
    fn a_port_asked_for_is_not_replaced() {
        let first = bind(LOOPBACK, 0).unwrap();
        let error = bind(LOOPBACK, first.address.port()).unwrap_err();
        assert!(error.is_taken());
    }

    #[test]
    fn a_port_taken_for_udp_alone_is_taken() {
        let udp = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        let error = bind(LOOPBACK, udp.local_addr().unwrap().port()).unwrap_err();
        assert!(error.is_taken());
    }

    #[test]
    fn the_default_port_leads_to_the_next_free_one() {
        let first = bind(LOOPBACK, limits::DEFAULT_PORT).unwrap();
        let second = bind(LOOPBACK, limits::DEFAULT_PORT).unwrap();
        assert!(first.address.port() < second.address.port());
    }

    #[test]
    fn the_wildcard_takes_both_families_or_ipv4() {
        let sockets = bind(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0).unwrap();
        let port = sockets.address.port();
        std::net::TcpStream::connect((LOOPBACK, port)).unwrap();
    }
}
