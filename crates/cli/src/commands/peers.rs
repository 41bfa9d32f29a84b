//! `peers`: who is here.

use lanspread_api::{
    Command, Reply, client,
    types::snapshot::{Peer, PeerState},
};

use crate::{
    report::Outcome,
    session::Session,
    table::{Align, Table},
    words,
};

/// List the peers, with their keys and how they are reached
#[derive(Debug, clap::Args)]
pub(crate) struct PeersArgs {
    /// Show the words of each key, to compare aloud
    #[arg(long)]
    words: bool,
}

pub(crate) fn run(args: &PeersArgs, session: &Session) -> Outcome {
    let reply = session.call(&Command::Peers)?;
    if session.out.is_json() {
        return Ok(session.out.json(&reply)?);
    }
    let Reply::Peers { connected, peers } = reply else {
        return Err(client::unexpected(&reply).into());
    };
    if peers.is_empty() {
        session.out.line("nobody is here yet")?;
        session
            .out
            .line("`lanspread connect HOST` reaches a peer that is not found")?;
        return Ok(session
            .out
            .line("`lanspread doctor` looks for what is in the way")?);
    }
    if args.words {
        Ok(session.out.table(&words_table(&peers))?)
    } else {
        session.out.table(&table(&peers))?;
        Ok(session.out.line(format!(
            "{} connected",
            words::count(connected.into(), "peer")
        ))?)
    }
}

fn table(peers: &[Peer]) -> Table<6> {
    let mut table = Table::new([
        ("NAME", Align::Left),
        ("KEY", Align::Whole),
        ("ADDRESS", Align::Left),
        ("STATE", Align::Left),
        ("GAMES", Align::Right),
        ("PING", Align::Right),
    ]);
    for peer in peers {
        table.row([
            peer.name.clone(),
            short(peer),
            peer.address
                .map_or_else(String::new, |address| address.to_string()),
            state(peer).to_owned(),
            peer.games.to_string(),
            peer.rtt_us.map_or_else(String::new, ping),
        ]);
    }
    table
}

fn words_table(peers: &[Peer]) -> Table<3> {
    let mut table = Table::new([
        ("NAME", Align::Left),
        ("KEY", Align::Whole),
        ("WORDS", Align::Whole),
    ]);
    for peer in peers {
        let words = peer.words.clone().unwrap_or_default();
        table.row([peer.name.clone(), short(peer), words]);
    }
    table
}

fn state(peer: &Peer) -> &'static str {
    if peer.state == PeerState::Connected && !peer.sharing {
        "not sharing"
    } else {
        words::peer_state(peer.state)
    }
}

fn short(peer: &Peer) -> String {
    let key = peer.peer.as_deref().unwrap_or_default();
    key.chars().take(8).collect()
}

fn ping(rtt_us: u64) -> String {
    format!("{}.{} ms", rtt_us / 1_000, rtt_us % 1_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn fits_and_says_what_matters() {
        let lines = table(&sample::peers()).lines(80);
        assert!(lines.iter().all(|line| line.chars().count() <= 80));
        insta::assert_snapshot!(lines.join("\n"), @r"
        NAME  KEY       ADDRESS              STATE        GAMES     PING
        Anna  01010101  192.168.100.1:47100  connected      112   0.4 ms
        twin  02020202  192.168.100.2:47100  not sharing    112  12.3 ms
        Twin  03030303  192.168.100.3:47100  gone           112   0.4 ms
                        [fe80::1%2]:47100    dialling       112
        ");
        insta::assert_snapshot!(words_table(&sample::peers()).lines(80).join("\n"), @r"
        NAME  KEY       WORDS
        Anna  01010101  bahad-bahad-bahad-bahad
        twin  02020202  bamaf-bamaf-bamaf-bamaf
        Twin  03030303  basag-basag-basag-basag
        ");
    }
}
