//! Every capacity of the net side, with its reason. What peers must agree on is in
//! `lanspread_proto::limits`.

use std::time::Duration;

/// The port that peers listen on if nothing else is asked for, UDP and TCP.
pub const DEFAULT_PORT: u16 = 47_100;
/// Ports tried from [`DEFAULT_PORT`] on: several peers on one machine.
pub(crate) const PORTS_TRIED: u16 = 64;
/// Draws of a free port: the one the system gives for TCP may be taken for UDP.
pub(crate) const FREE_PORT_DRAWS: usize = 16;

/// TLS and QUIC handshakes must end by then: a LAN answers in milliseconds.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// Handshakes in progress, for UDP and TCP each.
pub(crate) const HANDSHAKES_MAX: usize = 64;
/// Handshakes in progress of one source address.
pub(crate) const HANDSHAKES_PER_SOURCE_MAX: usize = 16;
/// QUIC connections, dialled and accepted.
pub(crate) const LINKS_MAX: usize = 256;
/// QUIC connections accepted from one source address: keys cost nothing, so one machine must not be
/// able to take every place.
pub(crate) const LINKS_PER_SOURCE_MAX: usize = 8;
/// Lanes accepted over TCP; each holds [`LANE_READ_BUFFER_BYTES`].
pub(crate) const TCP_LANES_MAX: usize = 512;
/// Links and lanes accepted and not yet taken by the owner.
pub(crate) const INCOMING_QUEUE: usize = 64;

/// First packets that quinn buffers before it is asked whether it wants the connection.
pub(crate) const QUIC_INCOMING_MAX: usize = 256;
/// Bytes buffered for one such connection, and for all of them.
pub(crate) const QUIC_INCOMING_BUFFER_BYTES: u64 = 64 * 1024;
/// See [`QUIC_INCOMING_BUFFER_BYTES`].
pub(crate) const QUIC_INCOMING_BUFFER_TOTAL_BYTES: u64 = 8 * 1024 * 1024;
/// What a peer may have sent on one stream and we have not read.
pub(crate) const STREAM_WINDOW_BYTES: u32 = 1_250_000;
/// What a peer may have sent on all streams of a link and we have not read.
pub(crate) const CONNECTION_WINDOW_BYTES: u32 = 8 * 1024 * 1024;
/// The control stream, lanes over QUIC, and room.
pub(crate) const BIDI_STREAMS_MAX: u32 = 32;
/// None is used; room to grow.
pub(crate) const UNI_STREAMS_MAX: u32 = 2;
/// Longest datagram.
pub const DATAGRAM_BYTES_MAX: usize = 1_200;
/// Datagrams waiting, in each direction.
pub(crate) const DATAGRAM_BUFFER_BYTES: usize = 64 * 1024;
/// A peer that is silent for so long is gone; with the keep-alive three in a row are lost.
pub(crate) const IDLE_TIMEOUT_MS: u32 = 12_000;
/// See [`IDLE_TIMEOUT_MS`].
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// The round trip assumed before one is measured: a first packet that a firewall swallowed, because
/// the other side has not dialled yet, is sent again after three of them.
pub(crate) const INITIAL_ROUND_TRIP: Duration = Duration::from_millis(100);
/// Kernel buffers of the UDP socket: bursts of one stream window.
pub(crate) const UDP_BUFFER_BYTES: usize = 2 * 1024 * 1024;

/// Frames waiting to be written on a link: with frames of 64 KiB, 4 MiB.
pub(crate) const LINK_QUEUE_FRAMES: usize = 64;
/// How long a goodbye may take before the link is cut.
pub(crate) const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// Read buffer below TLS: rustls asks for 4 KiB at a time, a system call each without it.
pub(crate) const LANE_READ_BUFFER_BYTES: usize = 256 * 1024;
/// Encrypted and plain bytes that TLS may hold while the socket is full.
pub(crate) const TLS_BUFFER_BYTES: usize = 64 * 1024;
/// Bytes that the kernel holds unsent per lane: what is cancelled or slowed down must not have left
/// already.
#[cfg(target_os = "linux")]
pub(crate) const TCP_UNSENT_BYTES: u32 = 256 * 1024;
/// TCP notices a dead peer as fast as a link does: first probe, distance, count.
pub(crate) const TCP_KEEPALIVE: (Duration, Duration, u32) =
    (Duration::from_secs(6), Duration::from_secs(2), 3);

/// A TCP peer that acknowledges nothing, or takes nothing, for so long is gone.
#[cfg(target_os = "linux")]
pub(crate) const TCP_SILENCE_MAX: Duration = Duration::from_secs(20);

const _: () = assert!(HANDSHAKES_PER_SOURCE_MAX < HANDSHAKES_MAX);
const _: () = assert!(LINKS_PER_SOURCE_MAX < LINKS_MAX);
const _: () = assert!(STREAM_WINDOW_BYTES < CONNECTION_WINDOW_BYTES);
const _: () = assert!(KEEP_ALIVE.as_millis() * 3 <= IDLE_TIMEOUT_MS as u128);
