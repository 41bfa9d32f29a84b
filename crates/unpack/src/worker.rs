//! The child process: reads a request, locks itself in, decodes, and talks in frames.
//!
//! Invariant: nothing of the archive is looked at before the sandbox stands.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read},
    sync::{Arc, Mutex},
};

use crate::{
    engine,
    error::ErrorCode,
    frame::{Isolation, REQUEST_MAGIC, Request},
    limits::{FRAME_BYTES_MAX, VOLUMES_MAX},
};

pub(crate) mod link;
pub mod sandbox;
pub(crate) mod source;

use link::Link;

/// The argument that turns a program into the worker.
pub const WORKER_ARGUMENT: &str = "--lanspread-unpack-worker";

/// Largest request: ten bytes for each volume and the limits.
const REQUEST_BYTES_MAX: usize = 10 * VOLUMES_MAX + FRAME_BYTES_MAX;

/// Whether these are the arguments of a worker, program name included. The first statement of
/// `main`: `if is_worker(std::env::args_os()) { worker_main() }`.
pub fn is_worker(arguments: impl IntoIterator<Item = OsString>) -> bool {
    arguments.into_iter().nth(1).as_deref() == Some(OsStr::new(WORKER_ARGUMENT))
}

/// The whole life of a worker: serves one archive over standard input and output, then ends the
/// process. Call it before any thread is started.
#[expect(
    clippy::exit,
    reason = "the worker is a process of its own and this is its main"
)]
pub fn worker_main() -> ! {
    std::process::exit(match serve() {
        Ok(()) => 0,
        Err(_gone) => 1,
    })
}

/// Enters the sandbox as a worker does, then runs `inside` instead of decoding, so that a test can
/// try what must be refused there. Layers that are not wanted are left out.
///
/// # Errors
/// The parent is gone or speaks another protocol.
#[cfg(feature = "test-util")]
pub fn try_inside(layers: &[sandbox::Layer], inside: impl FnOnce(&Isolation)) -> io::Result<()> {
    let request = read_request(&mut io::stdin().lock())?;
    inside(&sandbox::enter(&request, layers));
    Ok(())
}

fn serve() -> io::Result<()> {
    let request = read_request(&mut io::stdin().lock())?;
    let isolation = sandbox::enter(&request, sandbox::Layer::ALL);
    run(request, isolation)
}

/// What an engine needs: the question and the line to the parent.
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) isolation: Isolation,
    pub(crate) link: Arc<Mutex<Link>>,
}

fn run(request: Request, isolation: Isolation) -> io::Result<()> {
    let link = Arc::new(Mutex::new(Link::new(request.volumes.clone())));
    let job = Job {
        request,
        isolation,
        link,
    };
    let outcome = engine::run(&job);
    let mut link = link::locked(&job.link);
    match outcome {
        Ok(()) => link.end(),
        // A parent that could not read, or is gone, knows better than the engine.
        Err(error) if link.is_broken() => link.error(&engine::EngineError {
            code: ErrorCode::Io,
            ..error
        }),
        Err(error) => link.error(&error),
    }
}

fn read_request(from: &mut impl Read) -> io::Result<Request> {
    let mut magic = [0_u8; 8];
    from.read_exact(&mut magic)?;
    let mut length = [0_u8; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if magic != REQUEST_MAGIC || length > REQUEST_BYTES_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0_u8; length];
    from.read_exact(&mut body)?;
    postcard::from_bytes(&body).map_err(|_undecodable| io::ErrorKind::InvalidData.into())
}
