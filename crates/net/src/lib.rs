//! The hands on sockets: identity, links (QUIC), lanes (TCP with TLS, or QUIC), own addresses,
//! mDNS.
//!
//! **Deliberately not here:** files (the identity's bytes are kept by others), and policy: whom to
//! dial, what to say, how many lanes to keep are decided above.
//!
//! Reading order: [`endpoint`] opens and accepts; [`link`] and [`lane`] are what comes of it;
//! [`error`] says whose fault it was.

mod admission;
mod bind;
pub mod endpoint;
pub mod error;
pub mod filter;
mod frame;
pub mod identity;
pub mod interfaces;
pub mod lane;
pub mod limits;
pub mod link;
pub mod mdns;
mod quic;
mod tcp;
mod tls;
mod udp_socket;

pub use bind::BindError;
pub use endpoint::{BindConfig, Endpoint, Incoming};
pub use error::{Blame, HandshakeError, LinkError};
pub use filter::{AddressFilter, Net};
pub use identity::{Identity, IdentityError};
pub use interfaces::{LinkClass, OwnAddress};
pub use lane::{Carrier, Lane, LaneEvent, LanePath, LaneReader, LaneWriter};
pub use link::{Link, LinkReceiver, LinkSender};
pub use mdns::{Mdns, MdnsConfig, MdnsEvent, Sighting, SightingKind};
