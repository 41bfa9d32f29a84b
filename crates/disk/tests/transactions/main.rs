//! The transactions on the disk in memory: every crash point, every injected error, a full disk,
//! files in use; and the same on a real disk. Old or new, whole, and the user's files in any case.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test stops where the world is not as it should be"
)]

mod crash;
mod errors;
mod memory;
#[cfg(unix)]
mod real;
mod scenario;
mod seen;
mod staging;
