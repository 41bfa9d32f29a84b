//! [`Unpacker`]: the parent's side: starts a worker, gives it the bytes it asks for, and turns its
//! frames into checked [`Event`]s.
//!
//! Invariant: whatever the worker does, a call returns within the limits, and a dropped
//! [`Unpacker`] leaves no process behind.

use std::{
    ffi::OsString,
    io::{self, BufReader, Write},
    path::PathBuf,
    sync::Arc,
};

use crate::{
    error::{ErrorCode, UnpackError},
    events::{Checked, Checker, Event},
    frame::{Frame, Mode, REQUEST_MAGIC, ReadFrame, Request, read_frame},
    limits::{Limits, READ_BYTES_MAX, READ_EXTRA_BYTES, READ_OVER_MAX, VOLUMES_MAX},
    names::NameTable,
    worker::WORKER_ARGUMENT,
};

mod process;

use process::{Death, WorkerProcess};

pub use process::Canceller;

/// Where archive bytes come from: files, or straight from the swarm.
pub trait ArchiveBytes: Send + Sync {
    /// Length of a volume in bytes; must not change.
    fn len(&self, volume: usize) -> u64;

    /// Fills the beginning of `buf` with bytes from `offset`; returns how many, 0 only at the end.
    /// May block for as long as the bytes take: the worker's time does not run meanwhile.
    ///
    /// # Errors
    /// The bytes cannot be had; unpacking ends with [`ErrorCode::Io`].
    fn read_at(&self, volume: usize, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
}

/// How to start the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    /// A program whose `main` begins with [`crate::is_worker`].
    pub program: PathBuf,
    /// Its arguments, [`crate::WORKER_ARGUMENT`] first.
    pub args: Vec<OsString>,
}

impl WorkerCommand {
    /// The worker inside `program`.
    #[must_use]
    pub fn inside(program: PathBuf) -> Self {
        Self {
            program,
            args: vec![WORKER_ARGUMENT.into()],
        }
    }

    /// The worker inside the running program.
    ///
    /// # Errors
    /// The operating system does not tell where the program lies.
    pub fn inside_this_program() -> io::Result<Self> {
        std::env::current_exe().map(Self::inside)
    }
}

/// One archive being unpacked or listed.
pub struct Unpacker {
    sources: Arc<dyn ArchiveBytes>,
    volumes: usize,
    process: WorkerProcess,
    output: BufReader<std::process::ChildStdout>,
    checker: Checker,
    limits: Limits,
    frame: Vec<u8>,
    answer: Vec<u8>,
    /// Bytes of all volumes.
    packed: u64,
    /// Archive bytes handed out.
    fed: u64,
    outcome: Option<Event<'static>>,
    failed: bool,
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker")
            .field("checker", &self.checker)
            .finish_non_exhaustive()
    }
}

/// What [`Unpacker::step`] found; the data, if any, lies in the frame buffer.
enum Step {
    Data,
    Event(Event<'static>),
    Again,
}

impl Unpacker {
    /// Starts a worker on the `volumes` first volumes of `sources`.
    ///
    /// `names` are those that earlier archives of the same game took; get them back from
    /// [`Unpacker::into_names`].
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] if the worker does not start; `MissingVolume` without volumes.
    pub fn start(
        command: &WorkerCommand,
        sources: Arc<dyn ArchiveBytes>,
        volumes: usize,
        (mode, limits): (Mode, Limits),
        names: NameTable,
    ) -> Result<Self, UnpackError> {
        if volumes == 0 || volumes > VOLUMES_MAX {
            let detail = format!("an archive of {volumes} volumes");
            return Err(UnpackError::new(ErrorCode::MissingVolume, detail));
        }
        let lengths: Vec<u64> = (0..volumes).map(|volume| sources.len(volume)).collect();
        let packed = lengths
            .iter()
            .fold(0_u64, |sum, length| sum.saturating_add(*length));
        let request = Request {
            mode,
            volumes: lengths,
            dictionary_bytes: limits.dictionary_bytes,
            address_space: limits.address_space(),
            entries: limits.entries,
            header_bytes: limits.header_bytes,
        };
        let (mut process, output) = WorkerProcess::start(command, &limits)?;
        let question = encoded_request(&request)?;
        let sent = process.timed(|input| input.write_all(&question));
        let mut unpacker = Self {
            sources,
            volumes,
            process,
            output: BufReader::with_capacity(64 * 1024, output),
            checker: Checker::new(limits.clone(), mode, packed, names),
            limits,
            frame: Vec::new(),
            answer: Vec::new(),
            packed,
            fed: 0,
            outcome: None,
            failed: false,
        };
        sent.map_err(|error| unpacker.gone(error))?;
        Ok(unpacker)
    }

    /// A handle that ends this unpacking from any thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.process.canceller()
    }

    /// Waits for the next event. After [`Event::End`] it returns that again.
    ///
    /// # Errors
    /// The archive is refused, broken or cancelled, or its bytes cannot be read. The worker is
    /// dead then, and so is every later call.
    pub fn next_event(&mut self) -> Result<Event<'_>, UnpackError> {
        if let Some(Event::End(totals)) = &self.outcome {
            return Ok(Event::End(*totals));
        }
        let step = loop {
            match self.step() {
                Ok(Step::Again) => {}
                Ok(step) => break step,
                Err(error) => return Err(self.fail(error)),
            }
        };
        match step {
            Step::Event(Event::End(totals)) => {
                self.outcome = Some(Event::End(totals));
                Ok(Event::End(totals))
            }
            Step::Event(event) => Ok(event),
            Step::Data | Step::Again => Ok(Event::Data(&self.frame)),
        }
    }

    /// The names taken so far, for the next archive of the same game.
    #[must_use]
    pub fn into_names(mut self) -> NameTable {
        std::mem::take(&mut self.checker.names)
    }

    fn step(&mut self) -> Result<Step, UnpackError> {
        if self.failed {
            return Err(UnpackError::new(
                ErrorCode::Internal,
                "the worker ended before",
            ));
        }
        let (output, frame) = (&mut self.output, &mut self.frame);
        let kind = match self.process.timed(|_input| read_frame(output, frame)) {
            Ok(kind) => kind,
            Err(error) => return Err(self.gone(error)),
        };
        self.process.check_cancelled()?;
        self.check_time()?;
        let frame = Frame::decode(kind, &self.frame)
            .map_err(|error| UnpackError::new(ErrorCode::Internal, error.to_string()))?;
        if let Frame::Read(question) = frame {
            self.feed(question)?;
            return Ok(Step::Again);
        }
        Ok(match self.checker.on_frame(frame)? {
            Checked::Data => Step::Data,
            Checked::Event(event) => Step::Event(event),
        })
    }

    /// Answers a question for archive bytes.
    fn feed(&mut self, question: ReadFrame) -> Result<(), UnpackError> {
        let volume = usize::try_from(question.volume).unwrap_or(usize::MAX);
        let length = usize::try_from(question.length.min(READ_BYTES_MAX)).unwrap_or(0);
        if volume >= self.volumes || question.offset >= self.sources.len(volume) || length == 0 {
            let detail = "the worker asked for bytes that are not in the archive";
            return Err(UnpackError::new(ErrorCode::Internal, detail));
        }
        self.answer.resize(length, 0);
        let read = self
            .sources
            .read_at(volume, question.offset, &mut self.answer);
        self.process.check_cancelled()?;
        let count = read.map_err(|error| {
            let doing = format!("read volume {} at {}", question.volume, question.offset);
            UnpackError::from_io(ErrorCode::Io, &doing, error)
        })?;
        let bytes = self.answer.get(..count).filter(|bytes| !bytes.is_empty());
        let Some(bytes) = bytes else {
            let detail = format!("volume {} is shorter than it was", question.volume);
            return Err(UnpackError::new(ErrorCode::Io, detail));
        };
        let header = u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes();
        self.fed = self
            .fed
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
        let sent = self.process.timed(|input| {
            input.write_all(&header)?;
            input.write_all(bytes)
        });
        sent.map_err(|error| self.gone(error))
    }

    fn check_time(&self) -> Result<(), UnpackError> {
        let most = self.packed.saturating_mul(READ_OVER_MAX);
        if self.fed > most.saturating_add(READ_EXTRA_BYTES) {
            let detail = "the worker reads the archive over and over";
            return Err(UnpackError::new(ErrorCode::LimitTime, detail));
        }
        let work = self.checker.bytes().saturating_add(self.fed);
        if self.process.waited() > self.limits.time_for(work) {
            return Err(UnpackError::new(
                ErrorCode::LimitTime,
                "the worker is too slow",
            ));
        }
        Ok(())
    }

    /// Why the pipe ended.
    fn gone(&mut self, error: io::Error) -> UnpackError {
        if error.kind() == io::ErrorKind::InvalidData {
            return UnpackError::from_io(ErrorCode::Internal, "not a frame", error);
        }
        let (death, said) = self.process.last_words();
        let code = match death {
            Death::Cancelled => ErrorCode::Cancelled,
            Death::TimedOut => ErrorCode::LimitTime,
            Death::OutOfMemory => ErrorCode::LimitMemory,
            Death::Other => ErrorCode::Internal,
        };
        UnpackError::new(code, said)
    }

    fn fail(&mut self, error: UnpackError) -> UnpackError {
        self.failed = true;
        self.process.kill();
        error
    }
}

fn encoded_request(request: &Request) -> Result<Vec<u8>, UnpackError> {
    let refused = || UnpackError::new(ErrorCode::Internal, "the request is too long");
    let body = postcard::to_allocvec(request).map_err(|_too_large| refused())?;
    let length = u32::try_from(body.len()).map_err(|_too_long| refused())?;
    let mut bytes = REQUEST_MAGIC.to_vec();
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&body);
    Ok(bytes)
}
