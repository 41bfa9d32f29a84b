//! `limit`: how fast.

use lanspread_api::{Command, SettingsChange};

use crate::{rate::Rate, report::Outcome, session::Session};

/// Limit how fast is sent and received; without flags, show the limits
#[derive(Debug, clap::Args)]
pub(crate) struct LimitArgs {
    /// Most that is sent: 10MB/s, 100mbit, off
    #[arg(long, value_name = "RATE")]
    up: Option<Rate>,
    /// Most that is received
    #[arg(long, value_name = "RATE")]
    down: Option<Rate>,
}

pub(crate) fn run(args: &LimitArgs, session: &Session) -> Outcome {
    if args.up.is_some() || args.down.is_some() {
        let change = SettingsChange {
            up_rate_max: args.up.map(Into::into),
            down_rate_max: args.down.map(Into::into),
            ..SettingsChange::default()
        };
        let reply = session.call(&Command::SetSettings(change))?;
        if session.out.is_json() {
            return Ok(session.out.json(&reply)?);
        }
    }
    let settings = session.snapshot()?.settings;
    if session.out.is_json() {
        return Ok(session.out.json(&settings)?);
    }
    let (up, down) = (Rate(settings.up_rate_max), Rate(settings.down_rate_max));
    Ok(session.out.line(format!("up {up}, down {down}"))?)
}
