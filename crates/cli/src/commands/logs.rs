//! `logs`: what the node wrote.

use lanspread_api::Report;

use crate::{files, log_files, report::Outcome, session::Session};

/// Show the last lines of the node's log
#[derive(Debug, clap::Args)]
pub(crate) struct LogsArgs {
    /// How many lines
    #[arg(short = 'n', long, default_value_t = 50)]
    lines: usize,
    /// Only say where the log is
    #[arg(long)]
    path: bool,
}

pub(crate) fn run(args: &LogsArgs, session: &Session) -> Outcome {
    let path = log_files::newest(&session.state);
    if args.path {
        return Ok(session.out.line(path.display().to_string())?);
    }
    let lines = files::last_lines(&path, args.lines).map_err(|error| {
        let message = format!("cannot read {}: {error}", path.display());
        Report::new("state-dir", message)
    })?;
    if session.out.is_json() {
        return Ok(session.out.json(&lines)?);
    }
    for line in lines {
        session.out.line(line)?;
    }
    Ok(())
}
