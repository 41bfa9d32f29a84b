//! [`Stream`]: the bytes of one generated file, made while they are read.
//!
//! Invariant: they depend on game, path and kind only, and a shorter file is a prefix of a longer.

use std::io::{self, Read};

/// Keeps the bytes apart from anything else that is hashed.
const DOMAIN: &str = "lanspread 2026 demo games";
/// Random bytes drawn at once.
const DRAW_BYTES: usize = 16 << 10;
/// Words of a generated text; 64 of them, so that six random bits choose one.
const WORDS: [&str; 64] = [
    "arrow", "banner", "bridge", "candle", "castle", "chest", "clock", "cloud", "crown", "dagger",
    "desert", "dragon", "engine", "falcon", "fire", "forest", "gate", "ghost", "giant", "gold",
    "harbour", "hero", "hill", "horse", "ice", "iron", "island", "jewel", "key", "king", "lake",
    "lamp", "level", "light", "map", "mask", "mine", "moon", "mountain", "night", "ocean", "oil",
    "palace", "pilot", "planet", "queen", "quest", "rain", "river", "rocket", "sail", "sand",
    "shadow", "shield", "ship", "silver", "snow", "star", "stone", "storm", "sword", "tower",
    "wheel", "wolf",
];

/// What a file is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// As sounds, pictures and films: nothing to compress.
    Noise,
    /// As scripts and levels: much to compress.
    Text,
    /// Exactly this, again and again.
    Exact(&'static str),
}

/// The bytes of one generated file.
pub(super) struct Stream {
    random: blake3::OutputReader,
    kind: Kind,
    left: u64,
    /// Made and not read yet, from `read` on.
    made: Vec<u8>,
    read: usize,
}

impl Stream {
    /// The first `bytes` bytes of the file `path` of `game`.
    pub(super) fn new(game: &str, path: &str, kind: Kind, bytes: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(DOMAIN);
        hasher.update(game.as_bytes());
        hasher.update(b"/");
        hasher.update(path.as_bytes());
        Self {
            random: hasher.finalize_xof(),
            kind,
            left: bytes,
            made: Vec::new(),
            read: 0,
        }
    }

    fn make(&mut self) {
        let mut drawn = vec![0; DRAW_BYTES];
        self.random.fill(&mut drawn);
        self.read = 0;
        match self.kind {
            Kind::Exact(text) => self.made = text.as_bytes().to_vec(),
            Kind::Noise => self.made = drawn,
            Kind::Text => {
                self.made.clear();
                for byte in drawn {
                    let word = WORDS.get(usize::from(byte & 63)).copied();
                    self.made.extend_from_slice(word.unwrap_or("").as_bytes());
                    self.made.push(if byte < 240 { b' ' } else { b'\n' });
                }
            }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.read == self.made.len() && self.left > 0 {
            self.make();
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let made = self.made.get(self.read..).unwrap_or_default();
        let count = made.len().min(out.len()).min(most);
        let from = made.get(..count).unwrap_or_default();
        out.get_mut(..count)
            .unwrap_or_default()
            .copy_from_slice(from);
        self.read += count;
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}
