//! `node --jsonl`: commands as lines of JSON in, replies and notices as lines of JSON out.
//!
//! ```text
//! -> {"id":1,"command":"get","game":"quake"}
//! <- {"id":1,"reply":"started","operation":3}
//! <- {"n":1,"notice":"operation_begun","operation":3,"kind":"download",...}
//! -> {"id":2,"command":"get"}
//! <- {"id":2,"error":{"kind":"user","code":"bad-request",...}}
//! ```
//!
//! Commands run side by side, so that one that takes long does not hold others up; whoever needs an
//! order waits for the reply. The first line out is `started`.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::SocketAddr,
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use lanspread_api::{ApiFile, Command, Household, Notice, Reply, Report, Snapshot};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{
    broadcast::{self, error::RecvError},
    mpsc, oneshot,
};

/// Longest line; no command is longer.
const LINE_BYTES_MAX: u64 = 256 << 10;
/// Lines that were read and wait; reading stops meanwhile.
const LINES_WAITING_MAX: usize = 16;
/// Lines that wait for a reader who pauses; what comes after them waits too.
const LINES_OUT_MAX: usize = 64;
/// Commands that run at once; reading stops meanwhile.
const COMMANDS_MAX: usize = 64;
/// How long commands may still run after the end of the input.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// What is said first: who and where this node is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Started {
    version: &'static str,
    name: String,
    peer: String,
    words: String,
    addresses: Vec<SocketAddr>,
    games_dir: String,
    api: SocketAddr,
    pid: u32,
}

impl Started {
    pub(crate) fn new(snapshot: &Snapshot, api: &ApiFile) -> Self {
        let me = &snapshot.me;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            name: me.name.clone(),
            peer: me.peer.clone(),
            words: me.words.clone(),
            addresses: me.addresses.clone(),
            games_dir: me.games_dir.clone(),
            api: api.address,
            pid: api.pid,
        }
    }

    /// The same for people.
    pub(crate) fn for_people(&self) -> String {
        let addresses: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
        let listens = match addresses.as_slice() {
            [] => "not yet; `lanspread status` tells".to_owned(),
            some => some.join(" "),
        };
        format!(
            "LanSpread {} runs as {}, words {}\n  games    {}\n  listens  {listens}\n  \
             control  http://{}\n\n\
             In another terminal:\n  \
             lanspread pair              the web page\n  \
             lanspread games             what there is\n  \
             lanspread get GAME --wait   download and install\n  \
             lanspread peers             who is here\n  \
             lanspread help              everything else\n\n\
             Ctrl+C stops.",
            self.version, self.name, self.words, self.games_dir, self.api,
        )
    }
}

/// One line out.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Started {
        started: &'a Started,
    },
    Reply {
        id: Value,
        #[serde(flatten)]
        reply: Reply,
    },
    Error {
        id: Value,
        error: Box<Report>,
    },
    Notice {
        n: u64,
        #[serde(flatten)]
        notice: Notice,
    },
}

/// Carries out the commands of `input` until it ends or nobody reads `output` any more.
pub(crate) async fn run(
    household: impl Household,
    started: Started,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
) {
    let notices = household.notices();
    let lines = read_lines(input);
    let (out, written) = write_lines(output);
    match exchange(household, &started, (lines, notices), out).await {
        Ok(()) => tracing::debug!("the input has ended"),
        Err(error) => tracing::warn!(%error, "nobody reads the replies"),
    }
    // Who still reads gets the rest.
    let _all_or_late = tokio::time::timeout(DRAIN_TIMEOUT, written).await;
}

/// Where lines go; each waits for its place.
struct Out(mpsc::Sender<Vec<u8>>);

impl Out {
    async fn write(&self, line: Line<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        let closed = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.send(text).await.map_err(closed)
    }
}

/// Writes on a thread of its own: a reader who pauses stops nothing but the lines. The second part
/// ends when all is written.
fn write_lines(mut output: impl Write + Send + 'static) -> (Out, oneshot::Receiver<()>) {
    let (tx, mut rx) = mpsc::channel::<Vec<u8>>(LINES_OUT_MAX);
    let (all, written) = oneshot::channel();
    std::thread::spawn(move || {
        while let Some(text) = rx.blocking_recv() {
            if output
                .write_all(&text)
                .and_then(|()| output.flush())
                .is_err()
            {
                break;
            }
        }
        // Nobody may be waiting any more.
        let _told = all.send(());
    });
    (Out(tx), written)
}

/// A line as it was read.
type Read_ = Result<String, Report>;

/// Reads on a thread of its own: standard input blocks, and a thread that waits for it ends with
/// the process.
fn read_lines(input: impl Read + Send + 'static) -> mpsc::Receiver<Read_> {
    let (tx, rx) = mpsc::channel(LINES_WAITING_MAX);
    std::thread::spawn(move || {
        let mut input = BufReader::new(input);
        while let Some(line) = read_line(&mut input) {
            if tx.blocking_send(line).is_err() {
                return;
            }
        }
    });
    rx
}

/// The next line; `None` at the end. What is too long is skipped and refused.
fn read_line(input: &mut impl BufRead) -> Option<Read_> {
    let mut bytes = Vec::new();
    let read = input
        .by_ref()
        .take(LINE_BYTES_MAX + 1)
        .read_until(b'\n', &mut bytes);
    match read {
        Ok(0) | Err(_) => return None,
        Ok(_) => {}
    }
    if bytes.len() as u64 > LINE_BYTES_MAX {
        if bytes.last() != Some(&b'\n') {
            input.skip_until(b'\n').ok()?;
        }
        let message = format!("a line is longer than {LINE_BYTES_MAX} bytes");
        return Some(Err(Report::new("too-large", message)));
    }
    let text = String::from_utf8(bytes);
    Some(text.map_err(|error| Report::new("bad-request", format!("no UTF-8: {error}"))))
}

async fn exchange(
    household: impl Household,
    started: &Started,
    inputs: (mpsc::Receiver<Read_>, broadcast::Receiver<Notice>),
    out: Out,
) -> io::Result<()> {
    let (mut lines, mut notices) = inputs;
    out.write(Line::Started { started }).await?;
    let mut running = FuturesUnordered::new();
    let mut number = 0;
    loop {
        tokio::select! {
            biased;
            () = out.0.closed() => return Err(io::ErrorKind::BrokenPipe.into()),
            Some(line) = running.next() => out.write(line).await?,
            notice = notices.recv() => {
                let notice = match notice {
                    Ok(notice) => notice,
                    Err(RecvError::Lagged(count)) => Notice::Missed { count },
                    Err(RecvError::Closed) => return Ok(()),
                };
                number += 1;
                out.write(Line::Notice { n: number, notice }).await?;
            }
            line = lines.recv(), if running.len() < COMMANDS_MAX => match line {
                Some(Ok(line)) if line.trim().is_empty() => {}
                Some(line) => running.push(carry_out(household.clone(), line)),
                None => break,
            },
        }
    }
    let drain = async {
        while let Some(line) = running.next().await {
            out.write(line).await?;
        }
        Ok(())
    };
    tokio::time::timeout(DRAIN_TIMEOUT, drain)
        .await
        .unwrap_or(Ok(()))
}

async fn carry_out(household: impl Household, line: Read_) -> Line<'static> {
    let (id, command) = match line {
        Ok(text) => parse(&text),
        Err(report) => (Value::Null, Err(report)),
    };
    let answer = match command {
        Ok(command) => household.call(command).await,
        Err(report) => Err(report),
    };
    match answer {
        Ok(reply) => Line::Reply { id, reply },
        Err(report) => Line::Error {
            id,
            error: Box::new(report),
        },
    }
}

/// The id that the reply shall carry, whatever it is, and the command.
fn parse(text: &str) -> (Value, Result<Command, Report>) {
    let bad = |error: serde_json::Error| Report::new("bad-request", error.to_string());
    let mut value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return (Value::Null, Err(bad(error))),
    };
    let id = value
        .as_object_mut()
        .and_then(|object| object.remove("id"))
        .unwrap_or_default();
    (id, serde_json::from_value(value).map_err(bad))
}

#[cfg(test)]
mod tests;
