//! [`Summary`]: what came out of a demo.

use std::time::Duration;

use lanspread_proto::GameId;

use crate::{error::DemoError, generate::Format};

/// A game of so many bytes must come from both sources; a small one may be here before the second
/// source is asked.
const LARGE_BYTES: u64 = 64_000_000;

/// What came out of a demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// One for each game.
    pub games: Vec<GameSummary>,
    /// The two sources and the payload bytes that each delivered.
    pub sources: [Delivered; 2],
    /// From the first request to the end of the last download.
    pub download: Duration,
    /// From the first request to the end of the last install.
    pub fetch: Duration,
    /// The whole demo, generating included.
    pub total: Duration,
    /// Installed files that were compared with what was generated.
    pub files_checked: usize,
    /// Bytes of these.
    pub bytes_checked: u64,
}

/// What one source delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Which.
    pub name: &'static str,
    /// Verified payload bytes.
    pub bytes: u64,
}

/// What came out of one game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GameSummary {
    /// Which game.
    pub game: GameId,
    /// How it is packed.
    pub format: Format,
    /// Bytes of its payload.
    pub payload_bytes: u64,
    /// Payload bytes from each source, in the order of [`Summary::sources`].
    pub delivered: [u64; 2],
    /// How long its download ran.
    pub download: Duration,
    /// How long its install ran.
    pub install: Duration,
    /// Installed files.
    pub files: usize,
}

impl GameSummary {
    /// Bytes per second of the download; 0 if it was too short to tell.
    #[must_use]
    pub fn rate(&self) -> u64 {
        rate(self.payload_bytes, self.download)
    }
}

impl Summary {
    /// Bytes of all payloads.
    #[must_use]
    pub fn payload_bytes(&self) -> u64 {
        self.games.iter().map(|game| game.payload_bytes).sum()
    }

    /// Bytes per second over all downloads.
    #[must_use]
    pub fn rate(&self) -> u64 {
        rate(self.payload_bytes(), self.download)
    }

    /// Both sources delivered, over all and of a large game: one that did nothing is a defect.
    pub(crate) fn check_sources(&self) -> Result<(), DemoError> {
        let large = self
            .games
            .iter()
            .filter(|game| game.payload_bytes >= LARGE_BYTES);
        for (number, source) in self.sources.iter().enumerate() {
            let idle = |what: &str| DemoError::IdleSource {
                peer: source.name,
                what: what.to_owned(),
            };
            if source.bytes == 0 {
                return Err(idle("all games"));
            }
            let mut large = large.clone();
            if let Some(game) = large.find(|game| game.delivered.get(number) == Some(&0)) {
                return Err(idle(game.game.as_str()));
            }
        }
        Ok(())
    }
}

fn rate(bytes: u64, time: Duration) -> u64 {
    let per_second = u128::from(bytes) * 1_000_000;
    let rate = per_second.checked_div(time.as_micros()).unwrap_or(0);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn game(id: &str, payload_bytes: u64, delivered: [u64; 2]) -> GameSummary {
        GameSummary {
            game: GameId::parse(id).unwrap(),
            format: Format::Zip,
            payload_bytes,
            delivered,
            download: Duration::from_millis(500),
            install: Duration::ZERO,
            files: 1,
        }
    }

    fn summary(games: Vec<GameSummary>) -> Summary {
        let bytes = |number: usize| games.iter().map(|game| game.delivered[number]).sum();
        Summary {
            sources: [
                Delivered {
                    name: "one",
                    bytes: bytes(0),
                },
                Delivered {
                    name: "two",
                    bytes: bytes(1),
                },
            ],
            games,
            download: Duration::from_secs(1),
            fetch: Duration::from_secs(1),
            total: Duration::from_secs(2),
            files_checked: 2,
            bytes_checked: 2,
        }
    }

    #[test]
    fn a_source_that_did_nothing_is_an_error() {
        let check = |games: Vec<GameSummary>, idle: Option<(&str, &str)>| {
            let found = summary(games).check_sources().err();
            let expected = idle.map(|(peer, what)| format!("nothing of {what} came from {peer}"));
            assert_eq!(found.map(|error| error.to_string()), expected);
        };
        check(
            vec![game("a", LARGE_BYTES, [5, 4]), game("b", 1, [0, 1])],
            None,
        );
        check(
            vec![game("a", LARGE_BYTES, [9, 0]), game("b", 1, [0, 1])],
            Some(("two", "a")),
        );
        check(vec![game("a", 9, [9, 0]), game("b", 1, [0, 1])], None);
        check(
            vec![game("a", 9, [0, 9]), game("b", 1, [0, 1])],
            Some(("one", "all games")),
        );
    }

    #[test]
    fn rates() {
        assert_eq!(game("a", 1_000, [1, 1]).rate(), 2_000);
        assert_eq!(rate(1, Duration::ZERO), 0);
        assert_eq!(summary(vec![game("a", 7, [3, 4])]).rate(), 7);
    }
}
