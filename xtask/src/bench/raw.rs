//! The floor: `sendfile` into one TCP stream, `read` and `write` out of it, and nothing else. No
//! check, no encryption, no resume.
//!
//! On the wire each file is a line `BYTES PATH` and then its bytes; the end of the stream ends it.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// Bytes read and written at a time: what one processor keeps close at hand.
const BLOCK: usize = 128 << 10;

/// Sends every file below a directory to the first who connects.
pub(super) fn serve(directory: &Path, address: &str) -> Result<bool> {
    let listener = TcpListener::bind(address).with_context(|| format!("listening on {address}"))?;
    // Whoever waits for this line may connect now.
    io::stdout().write_all(b"ready\n")?;
    let (mut stream, _) = listener.accept()?;
    send_below(directory, &PathBuf::new(), &mut stream)?;
    Ok(true)
}

fn send_below(root: &Path, below: &Path, stream: &mut TcpStream) -> Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            send_below(root, &path, stream)?;
            continue;
        }
        let mut file = File::open(entry.path())?;
        let bytes = file.metadata()?.len();
        stream.write_all(format!("{bytes} {}\n", path.display()).as_bytes())?;
        // From a file to a socket this is `sendfile`.
        if io::copy(&mut file, stream)? != bytes {
            bail!("{} changed", path.display());
        }
    }
    Ok(())
}

/// Receives files into a directory until the stream ends.
pub(super) fn fetch(directory: &Path, address: &str) -> Result<bool> {
    let stream = TcpStream::connect(address).with_context(|| format!("dialling {address}"))?;
    let mut stream = BufReader::with_capacity(BLOCK, stream);
    let mut block = vec![0; BLOCK];
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 {
        let (bytes, path) = line.trim_end().split_once(' ').context("no header")?;
        let place = directory.join(path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        receive(&mut stream, &mut block, bytes.parse()?, &place)?;
        line.clear();
    }
    Ok(true)
}

fn receive(from: &mut impl Read, block: &mut [u8], bytes: u64, place: &Path) -> Result<()> {
    let mut file = File::create(place)?;
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        let read = from.read(block.get_mut(..now).unwrap_or_default())?;
        if read == 0 {
            bail!("the stream ended inside of {}", place.display());
        }
        file.write_all(block.get(..read).unwrap_or_default())?;
        left -= read as u64;
    }
    Ok(())
}
