//! What came out of a demo, for people and for programs.

use std::{error::Error, time::Duration};

use lanspread_api::{Report, amount::Bytes};
use lanspread_demo::{DemoError, Summary, summary::GameSummary};
use serde_json::{Value, json};

use crate::{
    report::Outcome,
    session::Session,
    table::{Align, Table},
    words,
};

/// Why a demo did not come to its end, with what may help.
pub(super) fn report(error: DemoError) -> Report {
    match &error {
        DemoError::NoSpace {
            path,
            needed_bytes,
            free_bytes,
        } => {
            let (needed, free) = (Bytes(*needed_bytes), Bytes(*free_bytes));
            let message = format!(
                "{} has {free} free, the demo needs {needed}",
                path.display()
            );
            let hints = vec![
                "name a directory on a larger disk: `lanspread demo --dir DIR`".to_owned(),
                "or make the games smaller: `lanspread demo --size 20`".to_owned(),
            ];
            Report {
                hints,
                ..Report::new(error.code(), message)
            }
        }
        DemoError::Operation { game, source } => {
            let report = Report::from(&**source);
            let message = format!("{game}: {}", report.message);
            Report { message, ..report }
        }
        DemoError::Start { source, .. } => {
            let report = Report::from(&**source);
            Report {
                message: error.to_string(),
                ..report
            }
        }
        DemoError::File { .. }
        | DemoError::Name(_)
        | DemoError::Id(_)
        | DemoError::NotShared { .. }
        | DemoError::Stalled { .. }
        | DemoError::PeerStopped
        | DemoError::Differs { .. }
        | DemoError::Count { .. }
        | DemoError::IdleSource { .. }
        | DemoError::Stopped => {
            let report = Report::new(error.code(), error.to_string());
            match error.source() {
                Some(source) => report.caused_by(source),
                None => report,
            }
        }
    }
}

/// Shows it.
pub(super) fn show(summary: &Summary, session: &Session) -> Outcome {
    if session.out.is_json() {
        session.out.json(&as_json(summary))?;
        return Ok(());
    }
    session.out.table(&table(summary))?;
    session.out.line(sentence(summary))?;
    let checked = words::count(summary.files_checked as u64, "file");
    let bytes = Bytes(summary.bytes_checked);
    session
        .out
        .line(format!("checked {checked} ({bytes}): all as generated"))?;
    Ok(())
}

fn sentence(summary: &Summary) -> String {
    format!(
        "{} from two peers at once in {}, {}; all installed after {}",
        Bytes(summary.payload_bytes()),
        seconds(summary.download),
        words::rate(summary.rate()),
        seconds(summary.fetch),
    )
}

fn table(summary: &Summary) -> Table<8> {
    let [first, second] = summary.sources;
    let mut table = Table::new([
        ("GAME", Align::Left),
        ("PACKED", Align::Left),
        ("SIZE", Align::Right),
        ("SOURCE-1", Align::Right),
        ("SOURCE-2", Align::Right),
        ("RATE", Align::Right),
        ("TIME", Align::Right),
        ("FILES", Align::Right),
    ]);
    for game in &summary.games {
        table.row(row(game));
    }
    table.row([
        "all".to_owned(),
        String::new(),
        Bytes(summary.payload_bytes()).to_string(),
        Bytes(first.bytes).to_string(),
        Bytes(second.bytes).to_string(),
        words::rate(summary.rate()),
        seconds(summary.download),
        summary.files_checked.to_string(),
    ]);
    table
}

fn row(game: &GameSummary) -> [String; 8] {
    let [first, second] = game.delivered;
    [
        game.game.to_string(),
        game.format.name().to_owned(),
        Bytes(game.payload_bytes).to_string(),
        Bytes(first).to_string(),
        Bytes(second).to_string(),
        words::rate(game.rate()),
        seconds(game.download),
        game.files.to_string(),
    ]
}

/// `0.4 s`, `12.3 s`.
fn seconds(time: Duration) -> String {
    let tenths = (time.as_millis() + 50) / 100;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

fn as_json(summary: &Summary) -> Value {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let [first, second] = summary.sources;
    let games = summary.games.iter().map(|game| {
        let [from_first, from_second] = game.delivered;
        json!({
            "game": game.game.as_str(),
            "format": game.format.name(),
            "payload_bytes": game.payload_bytes,
            "delivered": { first.name: from_first, second.name: from_second },
            "rate": game.rate(),
            "download_ms": ms(game.download),
            "install_ms": ms(game.install),
            "files": game.files,
        })
    });
    json!({
        "games": games.collect::<Vec<_>>(),
        "delivered": { first.name: first.bytes, second.name: second.bytes },
        "payload_bytes": summary.payload_bytes(),
        "rate": summary.rate(),
        "download_ms": ms(summary.download),
        "fetch_ms": ms(summary.fetch),
        "total_ms": ms(summary.total),
        "files_checked": summary.files_checked,
        "bytes_checked": summary.bytes_checked,
        "all_as_generated": true,
    })
}
