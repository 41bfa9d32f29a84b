//! `transfers`: what comes and goes, and from and to whom.

use lanspread_api::{Snapshot, amount::Bytes};

use crate::{
    report::Outcome,
    session::Session,
    table::{Align, Table},
    words,
};

/// Show what is being received and sent, from and to whom
#[derive(Debug, clap::Args)]
pub(crate) struct TransfersArgs {}

pub(crate) fn run(_args: &TransfersArgs, session: &Session) -> Outcome {
    let snapshot = session.snapshot()?;
    if session.out.is_json() {
        let running = snapshot.games.iter().filter_map(|game| {
            let operation = game.operation.as_ref().filter(|o| !o.phase.is_end())?;
            Some(serde_json::json!({ "game": game.game, "operation": operation }))
        });
        let running: Vec<_> = running.collect();
        let all = serde_json::json!({ "operations": running, "uploads": snapshot.uploads });
        return Ok(session.out.json(&all)?);
    }
    let (incoming, outgoing) = (incoming(&snapshot), outgoing(&snapshot));
    if incoming.is_none() && outgoing.is_none() {
        return Ok(session.out.line("nothing is being received or sent")?);
    }
    if let Some(table) = incoming {
        session.out.table(&table)?;
    }
    if let Some(table) = outgoing {
        session.out.table(&table)?;
    }
    Ok(())
}

fn incoming(snapshot: &Snapshot) -> Option<Table<5>> {
    let mut table = Table::new([
        ("RECEIVING", Align::Left),
        ("FROM", Align::Left),
        ("BYTES", Align::Right),
        ("RATE", Align::Right),
        ("STATE", Align::Left),
    ]);
    let mut any = false;
    for game in &snapshot.games {
        let Some(operation) = game.operation.as_ref().filter(|o| !o.phase.is_end()) else {
            continue;
        };
        any = true;
        if operation.phase.is_still() {
            let (game, bytes) = (game.game.clone(), Bytes(operation.done_bytes).to_string());
            let state = words::operation(operation);
            table.row([game, String::new(), bytes, String::new(), state]);
            continue;
        }
        table.row([
            game.game.clone(),
            words::count(operation.sources.len() as u64, "peer"),
            Bytes(operation.done_bytes).to_string(),
            words::rate(operation.rate),
            words::operation(operation),
        ]);
        for source in &operation.sources {
            table.row([
                String::new(),
                name(snapshot, &source.peer),
                Bytes(source.bytes).to_string(),
                words::rate(source.rate),
                String::new(),
            ]);
        }
    }
    any.then_some(table)
}

fn outgoing(snapshot: &Snapshot) -> Option<Table<4>> {
    let mut table = Table::new([
        ("SENDING", Align::Left),
        ("TO", Align::Left),
        ("BYTES", Align::Right),
        ("RATE", Align::Right),
    ]);
    for upload in &snapshot.uploads {
        table.row([
            upload.game.clone(),
            name(snapshot, &upload.peer),
            Bytes(upload.bytes).to_string(),
            words::rate(upload.rate),
        ]);
    }
    (!snapshot.uploads.is_empty()).then_some(table)
}

/// The peer's name, else the start of its key.
fn name(snapshot: &Snapshot, key: &str) -> String {
    let peer = snapshot
        .peers
        .iter()
        .find(|peer| peer.peer.as_deref() == Some(key));
    match peer {
        Some(peer) if !peer.name.is_empty() => peer.name.clone(),
        Some(_) | None => key.chars().take(8).collect(),
    }
}

#[cfg(test)]
mod tests {
    use lanspread_api::types::snapshot::Phase;

    use super::*;
    use crate::sample;

    #[test]
    fn what_stands_still_has_no_rate_and_no_sources() {
        let mut snapshot = sample::snapshot();
        snapshot.games[0].operation = Some(sample::operation(Phase::Paused));
        insta::assert_snapshot!(incoming(&snapshot).unwrap().lines(80).join("\n"), @r"
        RECEIVING         FROM    BYTES  RATE  STATE
        battlefield 1942        26.8 GB        paused 44%
        ");
    }

    #[test]
    fn both_ways() {
        let snapshot = sample::snapshot();
        insta::assert_snapshot!(incoming(&snapshot).unwrap().lines(80).join("\n"), @r"
        RECEIVING         FROM       BYTES       RATE  STATE
        battlefield 1942  3 peers  26.8 GB   112 MB/s  downloading 44%
                          Anna      1.0 GB  80.0 MB/s
                          twin      1.0 GB  32.0 MB/s
                          Twin      1.0 GB      0 B/s
        ");
        insta::assert_snapshot!(outgoing(&snapshot).unwrap().lines(80).join("\n"), @r"
        SENDING  TO     BYTES       RATE
        doom     Anna  2.5 GB  55.0 MB/s
        ");
    }
}
