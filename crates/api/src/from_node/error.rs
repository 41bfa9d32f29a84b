//! [`OperationError`] and [`StartError`] as a [`Report`].

use std::error::Error;

use lanspread_node::{OperationError, Shortage, StartError};

use crate::{
    amount::Bytes,
    error::{Choice, Report},
};

/// Games that could make room and are named; the rest is counted.
const DROPPABLE_NAMED: usize = 3;

impl From<&OperationError> for Report {
    fn from(error: &OperationError) -> Self {
        let report = Self::of_family(error.code(), family(error), operation_message(error));
        Self {
            choices: choices(error),
            ..with_source(report, error)
        }
    }
}

impl From<OperationError> for Report {
    fn from(error: OperationError) -> Self {
        Self::from(&error)
    }
}

impl From<&StartError> for Report {
    fn from(error: &StartError) -> Self {
        with_source(Self::new(error.code(), error.to_string()), error)
    }
}

/// The code whose hints hold when a finer one has none.
fn family(error: &OperationError) -> &'static str {
    if matches!(error, OperationError::Archive { .. }) {
        "archive"
    } else if matches!(error, OperationError::Publish { .. }) {
        "publish"
    } else if matches!(error, OperationError::Connect { .. }) {
        "connect"
    } else {
        error.code()
    }
}

fn operation_message(error: &OperationError) -> String {
    if let OperationError::NotEnoughSpace(shortage) = error {
        return shortage_message(shortage);
    }
    error.to_string()
}

/// Every number that helps to decide what to do.
fn shortage_message(of: &Shortage) -> String {
    let mut message = format!(
        "{} needs {} and has {} free",
        of.path.display(),
        Bytes(of.needed_bytes),
        Bytes(of.free_bytes)
    );
    let mut say = |bytes: u64, what: &str| {
        if bytes > 0 {
            message.push_str(&format!("; {what}: {}", Bytes(bytes)));
        }
    };
    say(of.reserved_bytes, "reserved by running operations");
    say(of.payload_bytes, "payload");
    say(of.reusable_bytes, "of it here already");
    say(of.unpacked_bytes, "unpacked");
    say(of.kept_bytes, "old version, kept until then");
    if let Some(needed) = of.low_disk_bytes {
        let fits = if of.low_disk_fits() { "fit" } else { "not fit" };
        let needed = Bytes(needed);
        message.push_str(&format!(
            "; a low-disk install needs {needed} and would {fits}"
        ));
    }
    let named = of.droppable.iter().take(DROPPABLE_NAMED);
    let named: Vec<String> = named
        .map(|(game, bytes)| format!("{game} {}", Bytes(*bytes)))
        .collect();
    if !named.is_empty() {
        let (named, more) = (named.join(", "), of.droppable.len() - named.len());
        message.push_str(&format!(
            "; payloads of installed games that could go: {named}"
        ));
        if more > 0 {
            message.push_str(&format!(" and {more} more"));
        }
    }
    message
}

fn choices(error: &OperationError) -> Box<[Choice]> {
    let OperationError::Ambiguous { choices, .. } = error else {
        return Box::default();
    };
    let choices = choices.iter().map(|(content, ready)| Choice {
        content: content.to_string(),
        ready: *ready,
    });
    choices.collect()
}

fn with_source(report: Report, error: &dyn Error) -> Report {
    match error.source() {
        Some(cause) => report.caused_by(cause),
        None => report,
    }
}
