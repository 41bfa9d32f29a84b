//! [`Source`]: a volume, or all slices of an archive, as `Read + Seek` over the link.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex},
};

use super::link::{Link, locked};

/// Archive bytes in order. Cheap to clone; every clone has its own position.
#[derive(Clone)]
pub(crate) struct Source {
    link: Arc<Mutex<Link>>,
    volumes: std::ops::Range<u32>,
    position: u64,
    length: u64,
}

impl Source {
    /// One volume.
    pub(crate) fn volume(link: &Arc<Mutex<Link>>, volume: u32) -> Self {
        Self::over(link, volume..volume.saturating_add(1))
    }

    /// All volumes, one behind the other.
    pub(crate) fn joined(link: &Arc<Mutex<Link>>, volumes: usize) -> Self {
        Self::over(link, 0..u32::try_from(volumes).unwrap_or(u32::MAX))
    }

    fn over(link: &Arc<Mutex<Link>>, volumes: std::ops::Range<u32>) -> Self {
        let known = locked(link);
        let length = volumes.clone().fold(0_u64, |sum, volume| {
            sum.saturating_add(known.length(volume))
        });
        drop(known);
        Self {
            link: Arc::clone(link),
            volumes,
            position: 0,
            length,
        }
    }
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut link = locked(&self.link);
        let mut offset = self.position;
        for volume in self.volumes.clone() {
            let length = link.length(volume);
            if offset < length {
                let count = link.read_at(volume, offset, out)?;
                self.position = self
                    .position
                    .saturating_add(u64::try_from(count).unwrap_or(0));
                return Ok(count);
            }
            offset -= length;
        }
        Ok(0)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
