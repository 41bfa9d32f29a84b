//! [`FrameReader`]: frames out of a byte stream.
//!
//! Invariants: never reads beyond the frame, so that data behind a header goes straight to its
//! reader; memory grows with what arrived, not with what was announced; giving up a read in the
//! middle loses nothing.

use std::io;

use bytes::{BufMut, BytesMut};
use lanspread_proto::wire::codec::{CodecError, FrameHeader, HEADER_BYTES};
use tokio::io::{AsyncRead, AsyncReadExt};

/// See the module.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    io: R,
    buffer: BytesMut,
    header: Option<FrameHeader>,
}

/// Why there is no frame.
#[derive(Debug)]
pub(crate) enum FrameError {
    /// The stream ended between two frames.
    Ended,
    /// The stream broke, or ended within a frame.
    Io(io::Error),
    /// The bytes are no frame.
    Codec(CodecError),
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<CodecError> for FrameError {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(io: R) -> Self {
        Self {
            io,
            buffer: BytesMut::new(),
            header: None,
        }
    }

    /// The header of the next frame; the same one until its body was read.
    pub(crate) async fn header(&mut self) -> Result<FrameHeader, FrameError> {
        if let Some(header) = self.header {
            return Ok(header);
        }
        self.fill(HEADER_BYTES).await?;
        let bytes = self.buffer.first_chunk().copied().unwrap_or_default();
        let header = FrameHeader::decode(bytes)?;
        self.buffer.clear();
        self.header = Some(header);
        Ok(header)
    }

    /// The first `len` bytes of the body. The caller has checked `len`; what of the body lies
    /// behind them is read through [`FrameReader::read_raw`].
    pub(crate) async fn body(&mut self, len: u32) -> Result<Body<'_>, FrameError> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        match self.fill(len).await {
            Ok(()) => {}
            Err(FrameError::Ended) => return Err(io::Error::from(CUT).into()),
            Err(error) => return Err(error),
        }
        self.header = None;
        Ok(Body(&mut self.buffer))
    }

    /// Reads some bytes as they are.
    pub(crate) async fn read_raw(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.io.read(out).await? {
            0 if !out.is_empty() => Err(CUT.into()),
            count => Ok(count),
        }
    }

    async fn fill(&mut self, len: usize) -> Result<(), FrameError> {
        while let Some(missing) = len.checked_sub(self.buffer.len()).filter(|m| *m > 0) {
            let mut space = (&mut self.buffer).limit(missing);
            if self.io.read_buf(&mut space).await? == 0 {
                return Err(if self.buffer.is_empty() {
                    FrameError::Ended
                } else {
                    FrameError::Io(CUT.into())
                });
            }
        }
        Ok(())
    }
}

/// The stream ended where it must not.
const CUT: io::ErrorKind = io::ErrorKind::UnexpectedEof;

/// A body that has arrived; it is forgotten when this is dropped.
#[derive(Debug)]
pub(crate) struct Body<'a>(&'a mut BytesMut);

impl std::ops::Deref for Body<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    const FRAME: [u8; 9] = [5, 0, 0, 0, 0x34, 0x12, b'a', b'b', b'c'];

    async fn read_frame<R: AsyncRead + Unpin>(
        frames: &mut FrameReader<R>,
    ) -> Result<(u16, Vec<u8>), FrameError> {
        let header = frames.header().await?;
        let body = frames.body(header.body_bytes).await?;
        Ok((header.kind, body.to_vec()))
    }

    /// Polls once and gives up.
    fn poll_frame(frames: &mut FrameReader<tokio::io::DuplexStream>) -> bool {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        Box::pin(read_frame(frames))
            .as_mut()
            .poll(&mut cx)
            .is_ready()
    }

    #[tokio::test]
    async fn a_read_given_up_in_the_middle_loses_nothing() {
        for cut in 0..FRAME.len() {
            let (mut tx, rx) = tokio::io::duplex(64);
            let mut frames = FrameReader::new(rx);
            tx.write_all(&FRAME[..cut]).await.unwrap();
            assert!(!poll_frame(&mut frames), "{cut}");
            tx.write_all(&FRAME[cut..]).await.unwrap();
            let frame = read_frame(&mut frames).await.unwrap();
            assert_eq!(frame, (0x1234, b"abc".to_vec()), "{cut}");
        }
    }

    #[tokio::test]
    async fn an_end_between_frames_is_no_error_and_within_one_it_is() {
        for cut in 0..FRAME.len() {
            let mut frames = FrameReader::new(&FRAME[..cut]);
            match read_frame(&mut frames).await {
                Err(FrameError::Ended) => assert_eq!(cut, 0),
                Err(FrameError::Io(error)) => assert_eq!(error.kind(), CUT, "{cut}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn an_announced_length_allocates_nothing() {
        let bytes = [0xff, 0xff, 0xff, 0x7f, 1, 0, 9, 9];
        let mut frames = FrameReader::new(bytes.as_slice());
        let header = frames.header().await.unwrap();
        assert!(frames.body(header.body_bytes).await.is_err());
        assert!(frames.buffer.capacity() < 1_024);
    }
}
