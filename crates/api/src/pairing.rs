//! `Pairing`: how a browser gets in. A code that lives shortly is exchanged once for a session.
//!
//! Invariant: a code opens at most one session, lives [`CODE_TTL`] and survives at most
//! [`CODE_TRIES`] tries. A session is known by its hash only.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use crate::{auth::Token, error::Report};

/// How long a code can be used.
pub const CODE_TTL: Duration = Duration::from_secs(5 * 60);
/// Tries that a code survives; the last wrong one ends it.
pub const CODE_TRIES: u32 = 5;
/// Browsers that are remembered; the one that paired first is forgotten first.
pub const SESSIONS_MAX: usize = 32;

/// Letters of a code: 40 bits, of which five tries guess nothing.
const CODE_LETTERS: usize = 8;
/// Thirty-two letters that cannot be taken for each other when read aloud or typed.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What a person carries from the program to a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code(String);

/// The hash of a session's secret, as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionHash(String);

/// The browsers that may come in, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sessions(Vec<SessionHash>);

/// Why a code opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotPaired {
    /// There is no code: it was never issued, used, too old, or guessed at too often.
    NoCode,
    /// It is another one.
    WrongCode,
}

/// The owner of the code and the sessions.
#[derive(Debug)]
pub(crate) struct Pairing {
    issued: Option<Issued>,
    sessions: Sessions,
}

#[derive(Debug)]
struct Issued {
    code: Code,
    until: Instant,
    tries_left: u32,
}

impl Code {
    fn generate() -> Result<Self, Report> {
        let mut bytes = [0; CODE_LETTERS];
        getrandom::fill(&mut bytes)
            .map_err(|error| Report::new("internal", format!("no randomness: {error}")))?;
        let letter = |byte: &u8| {
            ALPHABET
                .get(usize::from(byte % 32))
                .copied()
                .map(char::from)
        };
        Ok(Self(bytes.iter().filter_map(letter).collect()))
    }

    /// As people read it: two groups of four.
    pub(crate) fn for_people(&self) -> String {
        let (first, second) = self.0.split_at(CODE_LETTERS / 2);
        format!("{first}-{second}")
    }

    /// Forgives small letters, spaces and hyphens; takes the same time wherever the first
    /// difference is.
    fn is(&self, shown: &str) -> bool {
        let shown: String = shown
            .chars()
            .filter(|letter| !matches!(letter, '-' | ' '))
            .take(CODE_LETTERS + 1)
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

impl Sessions {
    /// Whether this is the secret of one of them.
    pub(crate) fn admit(&self, secret: &str) -> bool {
        let hash = SessionHash::of(secret);
        // Hashes may be compared at any speed: nobody can steer towards one.
        self.0.contains(&hash)
    }

    fn add(&mut self, secret: &Token) {
        if self.0.len() >= SESSIONS_MAX {
            self.0.remove(0);
        }
        self.0.push(SessionHash::of(secret.reveal()));
    }
}

impl SessionHash {
    fn of(secret: &str) -> Self {
        Self(blake3::hash(secret.as_bytes()).to_hex().to_string())
    }
}

impl Pairing {
    /// With the browsers of an earlier run.
    pub(crate) fn new(mut sessions: Sessions) -> Self {
        let surplus = sessions.0.len().saturating_sub(SESSIONS_MAX);
        sessions.0.drain(..surplus);
        Self {
            issued: None,
            sessions,
        }
    }

    /// A new code; the one before is worth nothing any more.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub(crate) fn issue(&mut self, now: Instant) -> Result<Code, Report> {
        let code = Code::generate()?;
        self.issued = Some(Issued {
            code: code.clone(),
            until: now + CODE_TTL,
            tries_left: CODE_TRIES,
        });
        Ok(code)
    }

    /// Exchanges the code for the secret of a new session.
    ///
    /// # Errors
    /// The code is not the one that was issued last, or that one is over.
    pub(crate) fn pair(&mut self, now: Instant, shown: &str) -> Result<Token, NotPaired> {
        let Some(issued) = self.issued.as_mut().filter(|issued| now < issued.until) else {
            self.issued = None;
            return Err(NotPaired::NoCode);
        };
        if !issued.code.is(shown) {
            issued.tries_left -= 1;
            if issued.tries_left == 0 {
                self.issued = None;
            }
            return Err(NotPaired::WrongCode);
        }
        // Without randomness there is no session, and the code stays.
        let secret = Token::generate().map_err(|_no_randomness| NotPaired::NoCode)?;
        self.issued = None;
        self.sessions.add(&secret);
        Ok(secret)
    }

    pub(crate) const fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

impl From<NotPaired> for Report {
    fn from(why: NotPaired) -> Self {
        match why {
            NotPaired::NoCode => Self::new("no-code", "there is no code that could be used now"),
            NotPaired::WrongCode => Self::new("bad-code", "the code is not the right one"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> (Pairing, Instant, String) {
        let mut pairing = Pairing::new(Sessions::default());
        let now = Instant::now();
        let code = pairing.issue(now).unwrap().for_people();
        (pairing, now, code)
    }

    #[test]
    fn a_code_opens_one_session() {
        let (mut pairing, now, code) = fresh();
        let secret = pairing.pair(now, &code).unwrap();
        assert!(pairing.sessions().admit(secret.reveal()));
        assert!(
            !pairing
                .sessions()
                .admit(Token::generate().unwrap().reveal())
        );
        assert!(!pairing.sessions().admit(""));
        assert_eq!(pairing.pair(now, &code), Err(NotPaired::NoCode));
        let written = serde_json::to_string(pairing.sessions()).unwrap();
        assert!(!written.contains(secret.reveal()), "only the hash is kept");
    }

    #[test]
    fn a_code_is_over_in_time() {
        let (mut pairing, now, code) = fresh();
        let late = now + CODE_TTL;
        assert_eq!(pairing.pair(late, &code), Err(NotPaired::NoCode));
        assert_eq!(pairing.pair(now, &code), Err(NotPaired::NoCode), "for good");
        let (mut pairing, now, code) = fresh();
        let just = now + CODE_TTL - Duration::from_millis(1);
        pairing.pair(just, &code).unwrap();
    }

    #[test]
    fn a_code_survives_some_tries() {
        for wrong in 0..=CODE_TRIES {
            let (mut pairing, now, code) = fresh();
            for _ in 0..wrong {
                assert_eq!(pairing.pair(now, "AAAA-AAAA"), Err(NotPaired::WrongCode));
            }
            let paired = pairing.pair(now, &code);
            assert_eq!(
                paired.is_ok(),
                wrong < CODE_TRIES,
                "after {wrong} wrong ones"
            );
        }
    }

    #[test]
    fn a_new_code_ends_the_old_one() {
        let (mut pairing, now, old) = fresh();
        let new = pairing.issue(now).unwrap().for_people();
        assert_eq!(pairing.pair(now, &old), Err(NotPaired::WrongCode));
        pairing.pair(now, &new).unwrap();
    }

    #[test]
    fn codes_are_random_and_forgive_how_they_are_typed() {
        let (mut pairing, now, code) = fresh();
        assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'));
        assert_ne!(code, Code::generate().unwrap().for_people());
        let typed = format!(" {} ", code.to_lowercase().replace('-', " "));
        pairing.pair(now, &typed).unwrap();
        let (mut pairing, now, code) = fresh();
        let longer = format!("{code}A");
        assert_eq!(pairing.pair(now, &longer), Err(NotPaired::WrongCode));
        assert_eq!(pairing.pair(now, ""), Err(NotPaired::WrongCode));
        assert_eq!(
            pairing.pair(now, &"é".repeat(99_999)),
            Err(NotPaired::WrongCode)
        );
    }

    #[test]
    fn sessions_are_bounded_and_survive() {
        let mut pairing = Pairing::new(Sessions::default());
        let mut secrets = Vec::new();
        for _ in 0..=SESSIONS_MAX {
            let now = Instant::now();
            let code = pairing.issue(now).unwrap().for_people();
            secrets.push(pairing.pair(now, &code).unwrap());
        }
        let text = serde_json::to_string(pairing.sessions()).unwrap();
        let again = Pairing::new(serde_json::from_str(&text).unwrap());
        let admitted = |secret: &Token| again.sessions().admit(secret.reveal());
        assert!(!admitted(&secrets[0]), "the oldest is forgotten");
        assert!(secrets[1..].iter().all(admitted));
    }
}
