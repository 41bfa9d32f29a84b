//! What we decide about others: whom to dial, what they have, what to ask and to send.
//!
//! Every machine here has one shape: inputs `on_*(now, ..)` say what happened, outputs
//! `poll_action()` and `poll_timeout()` say what to do now and when to come back. The product and
//! the simulator run the same code.
//!
//! **Deliberately not here:** clocks, randomness, sockets, files. The crate is `no_std`, so they
//! cannot be named; time and seeds are arguments.
//!
//! Reading order: [`time`], [`random`], [`bucket`] are tools; [`peers`] is membership; [`library`],
//! [`truths`] and [`merged`] say who has which game; [`download`], [`upload`], [`inject`] and
//! [`credit`] move it, [`read_ahead`] in the order of a reader; [`neighbours`] says with whom;
//! [`availability`], [`progress`] and [`liars`] serve them.
#![no_std]

extern crate alloc;

pub mod availability;
pub mod bucket;
pub mod credit;
pub mod download;
pub mod governor;
pub mod inject;
pub mod liars;
pub mod library;
mod lots;
pub mod merged;
pub mod mirror;
pub mod neighbours;
pub mod peers;
pub mod progress;
pub mod random;
pub mod read_ahead;
pub mod time;
pub mod truths;
pub mod upload;

pub use availability::Availability;
pub use bucket::{Bucket, ByteLimit};
pub use credit::{Credit, LaneId};
pub use download::{Download, DownloadAction, Outcome, PeerFacts, SourceState};
pub use governor::Governor;
pub use inject::{InjectAction, Injector};
pub use liars::Liars;
pub use library::{LibraryError, LocalLibrary, RemoteLibrary};
pub use merged::Merged;
pub use peers::{Peers, PeersAction};
pub use progress::Progress;
pub use random::Random;
pub use read_ahead::ReadAhead;
pub use time::Instant;
pub use truths::{Truth, Truths};
pub use upload::{Admission, RequestKey, Reservation, Upload, UploadAction};
