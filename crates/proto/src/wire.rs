//! The wire: frames, and the messages in them. `docs/PROTOCOL.md` is the same in prose.
//!
//! A frame is `u32 length, u16 type, body`, little endian; the length counts type and body. Bodies
//! are postcard, except data frames, whose bytes lie in the frame as they are.

pub mod bounded;
pub mod codec;
pub mod lane;
pub mod link;
pub mod probe;

pub use bounded::{Bounded, Extensions};
pub use codec::{CodecError, FrameHeader};
pub use lane::{DataHeader, LaneMessage};
pub use link::LinkMessage;
pub use probe::Probe;

/// The newest protocol we speak, and the oldest.
pub const PROTOCOL_NEWEST: u16 = 1;
/// See [`PROTOCOL_NEWEST`].
pub const PROTOCOL_OLDEST: u16 = 1;
/// The application protocol in the TLS handshake, on links and lanes alike.
pub const ALPN: &[u8] = b"lanspread/1";
/// Types with this bit may be skipped by who does not know them.
pub const IGNORABLE: u16 = 0x8000;
