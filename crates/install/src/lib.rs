//! What we decide about our own disk. The promise: after any crash a game is old or new, never
//! between; the user's files survive everything but a purge; nothing is deleted that is not
//! provably ours.
//!
//! **Deliberately not here:** files, clocks, randomness. The crate is `no_std`, so they cannot be
//! named. It says which [`Step`] comes next; `lanspread-disk` carries it out.
//!
//! Reading order: [`slot`] and [`step`] are the words, [`intent`] and [`record`] what is written
//! down, [`observed`] what is found, [`plan`] and [`mod@recover`] the decisions, [`transaction`]
//! the machine that walks through them, [`proof`] and [`carry`] whose file is whose, [`game_state`]
//! what may be asked for.
#![no_std]

extern crate alloc;

pub mod carry;
pub mod game_state;
pub mod intent;
pub mod launch;
pub mod migrate;
pub mod observed;
pub mod plan;
pub mod proof;
pub mod record;
pub mod recover;
pub mod retry;
mod sealed;
pub mod slot;
pub mod step;
pub mod transaction;

pub use game_state::{GameState, Operation, Refusal};
pub use intent::{Goal, Intent, Phase, Target};
pub use observed::{Observed, SentinelAt, SlotState};
pub use record::{InstallRecord, RecordedFile, Stamp};
pub use recover::{RecoverRefusal, abandon, recover};
pub use sealed::SealError;
pub use slot::{Marker, Role, Slot, TransactionId};
pub use step::Step;
pub use transaction::{Aftermath, Transaction};
