//! [`Item`]: one file that is handed out, opened once and read by offset.

use std::{
    fmt::Write,
    fs::File,
    io::{self, Read},
    sync::Arc,
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, header},
};
use futures_util::{Stream, stream};
use lanspread_proto::{RelPath, rel_path::PathError};
use serde::{Serialize, Serializer};

/// Bytes that are read at once.
const STEP_BYTES: usize = 256 << 10;

/// One file that is handed out.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    name: String,
    bytes: u64,
    #[serde(serialize_with = "as_hex")]
    blake3: blake3::Hash,
    #[serde(skip)]
    encoded: String,
    #[serde(skip)]
    file: Arc<File>,
}

/// Why a file is not handed out.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// Its name could not be saved everywhere.
    #[error("its name cannot be used on every system")]
    Name(#[source] PathError),
    /// It is hidden, or lies in a directory.
    #[error("only plain files that are not hidden are handed out")]
    Hidden,
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
}

impl Item {
    /// Reads a file once, for its hash. It stays open: what is put in its place later is not
    /// handed out.
    ///
    /// # Errors
    /// The name is hidden, or not one that every system can save; the file cannot be read.
    pub fn read(name: &str, mut file: File) -> Result<Self, ItemError> {
        let path = RelPath::parse(name).map_err(ItemError::Name)?;
        if path.components().count() != 1 || name.starts_with('.') {
            return Err(ItemError::Hidden);
        }
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; STEP_BYTES];
        let mut bytes = 0;
        loop {
            let count = file.read(&mut buffer)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
                break;
            };
            hasher.update(read);
            bytes += count as u64;
        }
        Ok(Self {
            encoded: encode(name),
            name: name.to_owned(),
            bytes,
            blake3: hasher.finalize(),
            file: Arc::new(file),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its size.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its hash.
    #[must_use]
    pub const fn blake3(&self) -> blake3::Hash {
        self.blake3
    }

    /// Its name as an address holds it.
    pub(super) fn encoded(&self) -> &str {
        &self.encoded
    }

    /// The whole file, to be saved under its name.
    pub(super) fn response(&self) -> Response<Body> {
        let mut response = Response::new(Body::from_stream(self.stream()));
        let headers = response.headers_mut();
        let binary = HeaderValue::from_static("application/octet-stream");
        headers.insert(header::CONTENT_TYPE, binary);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.bytes));
        // What is percent-encoded fits into a header.
        let save_as = format!("attachment; filename*=UTF-8''{}", self.encoded);
        if let Ok(save_as) = HeaderValue::from_str(&save_as) {
            headers.insert(header::CONTENT_DISPOSITION, save_as);
        }
        response
    }

    /// Its bytes. A file that became shorter ends the answer before its time, so that nobody takes
    /// it for whole.
    fn stream(&self) -> impl Stream<Item = io::Result<Bytes>> + use<> {
        let (file, end) = (Arc::clone(&self.file), self.bytes);
        stream::try_unfold(0, move |at| {
            let file = Arc::clone(&file);
            async move {
                let left = end.saturating_sub(at);
                if left == 0 {
                    return Ok(None);
                }
                let step = usize::try_from(left).map_or(STEP_BYTES, |left| left.min(STEP_BYTES));
                let read = move || read_at(&file, at, step);
                let read = tokio::task::spawn_blocking(read).await;
                let bytes = read.map_err(io::Error::other)??;
                let next = at + bytes.len() as u64;
                Ok(Some((bytes, next)))
            }
        })
    }
}

fn read_at(file: &File, at: u64, most: usize) -> io::Result<Bytes> {
    let mut buffer = vec![0; most];
    #[cfg(unix)]
    let count = std::os::unix::fs::FileExt::read_at(file, &mut buffer, at)?;
    #[cfg(windows)]
    let count = std::os::windows::fs::FileExt::seek_read(file, &mut buffer, at)?;
    if count == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    buffer.truncate(count);
    Ok(buffer.into())
}

/// Letters, digits and a few marks as they are, every other byte as `%XX`.
fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _always_ok = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn as_hex<S: Serializer>(hash: &blake3::Hash, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&hash.to_hex())
}
