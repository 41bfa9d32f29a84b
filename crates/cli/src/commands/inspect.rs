//! `inspect`: what is in an archive. Needs no running peer.

use std::path::PathBuf;

use lanspread_api::{Report, amount::Bytes};
use lanspread_node::inspect::{self, Inspection};
use lanspread_unpack::WorkerCommand;
use serde_json::json;

use crate::{files, report::Outcome, session::Session};

/// Show what an archive holds, without unpacking it
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// The archive, or any volume of it
    archive: PathBuf,
}

pub(crate) fn run(args: &InspectArgs, session: &Session) -> Outcome {
    let worker = WorkerCommand::inside_this_program().map_err(|error| {
        let message = format!("cannot find this program itself: {error}");
        Report::new("internal", message)
    })?;
    let archive = files::absolute(&args.archive)?;
    let found = inspect::inspect(&worker, &archive).map_err(|error| Report::from(&error))?;
    if session.out.is_json() {
        return Ok(session.out.json(&json(&found))?);
    }
    show(&found, session)
}

fn json(found: &Inspection) -> serde_json::Value {
    json!({
        "format": found.format,
        "volumes": found.volumes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "packed_bytes": found.packed_bytes,
        "unpacked_bytes": found.unpacked_bytes,
        "entries": found.entries,
        "solid": found.solid,
        "encrypted": found.encrypted,
        "dictionary_bytes": found.dictionary_bytes,
        "skipped": found.skipped.iter()
            .map(|(name, reason)| json!({"name": name, "reason": reason}))
            .collect::<Vec<_>>(),
        "reduced_isolation": found.reduced_isolation,
    })
}

fn show(found: &Inspection, session: &Session) -> Outcome {
    let yes_no = |yes| if yes { "yes" } else { "no" };
    let mut lines = vec![
        ("format", found.format.clone()),
        ("volumes", found.volumes.len().to_string()),
        ("packed", Bytes(found.packed_bytes).to_string()),
        ("unpacked", Bytes(found.unpacked_bytes).to_string()),
        ("entries", found.entries.to_string()),
        ("solid", yes_no(found.solid).to_owned()),
        ("encrypted", yes_no(found.encrypted).to_owned()),
    ];
    if let Some(bytes) = found.dictionary_bytes {
        lines.push(("dictionary", Bytes(bytes).to_string()));
    }
    for (name, reason) in &found.skipped {
        lines.push(("left out", format!("{} ({reason})", name.escape_default())));
    }
    if let Some(why) = &found.reduced_isolation {
        lines.push(("isolation", format!("reduced: {why}")));
    }
    for (what, value) in lines {
        session.out.line(format!("{what:<11} {value}"))?;
    }
    Ok(())
}
