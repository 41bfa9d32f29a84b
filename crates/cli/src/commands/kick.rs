//! `kick`: have nothing to do with a peer.

use lanspread_api::{Command, Report, types::snapshot::Peer};

use crate::{report::Outcome, session::Session};

/// Block a peer: no links, nothing sent or received
#[derive(Debug, clap::Args)]
pub(crate) struct KickArgs {
    /// Its name, the start of its key, or its words
    peer: String,
    /// Let it in again
    #[arg(long)]
    undo: bool,
}

pub(crate) fn run(args: &KickArgs, session: &Session) -> Outcome {
    let peers = session.snapshot()?.peers;
    let (name, key) = find(&peers, &args.peer)?;
    let command = Command::Block {
        peer: key,
        blocked: !args.undo,
    };
    let done = if args.undo {
        "may come again"
    } else {
        "is blocked"
    };
    session.change(&command, &format!("{name} {done}"))
}

/// Digits of a key that may name a peer; fewer fit by chance.
const KEY_DIGITS_MIN: usize = 4;

/// The name and key of the one peer that fits.
pub(super) fn find(peers: &[Peer], wanted: &str) -> Result<(String, String), Report> {
    let lower = wanted.to_lowercase();
    let by_key = |key: &str| lower.len() >= KEY_DIGITS_MIN && key.starts_with(&lower);
    let fits = |peer: &&Peer| {
        peer.name.to_lowercase() == lower
            || peer.peer.as_deref().is_some_and(by_key)
            || peer.words.as_deref().is_some_and(by_key)
    };
    let mut found = peers.iter().filter(fits).filter_map(|peer| {
        let key = peer.peer.clone()?;
        Some((peer.name.clone(), key))
    });
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) if wanted.len() == 64 && wanted.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok((lower.chars().take(8).collect(), lower))
        }
        (None, _) => Err(Report::new(
            "unknown-peer",
            format!("no peer fits `{wanted}`"),
        )),
        (Some(_), Some(_)) => {
            let message = format!("several peers fit `{wanted}`");
            Err(Report::new("ambiguous-peer", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn by_name_key_and_words() {
        let peers = sample::peers();
        let check = |wanted: &str, expected: Result<&str, &str>| {
            let found = find(&peers, wanted).map(|(name, _)| name);
            let found = found.map_err(|report| report.code);
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(found, expected, "{wanted}");
        };
        check("anna", Ok("Anna"));
        check("0101", Ok("Anna"));
        check("010", Err("unknown-peer"));
        check("twin", Err("ambiguous-peer"));
        check("nobody", Err("unknown-peer"));
        check(&peers[0].words.clone().unwrap(), Ok("Anna"));
        check(&"ff".repeat(32), Ok("ffffffff"));
    }
}
