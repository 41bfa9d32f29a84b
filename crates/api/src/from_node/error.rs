//! [`OperationError`] and [`StartError`] as a [`Report`].

use std::error::Error;

use lanspread_node::{OperationError, StartError};

use crate::{
    amount::Bytes,
    error::{Choice, Report},
};

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
        with_source(Self::new(error.code(), start_message(error)), error)
    }
}

/// The code whose hints hold when a finer one has none.
const fn family(error: &OperationError) -> &'static str {
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
    if let OperationError::NotEnoughSpace {
        path,
        needed_bytes,
        free_bytes,
        droppable_bytes,
        ..
    } = error
    {
        let mut message = format!(
            "{} needs {} and has {} free",
            path.display(),
            Bytes(*needed_bytes),
            Bytes(*free_bytes)
        );
        if *droppable_bytes > 0 {
            let droppable = Bytes(*droppable_bytes);
            message.push_str(&format!(
                "; payloads of installed games that could go: {droppable}"
            ));
        }
        return message;
    }
    error.to_string()
}

fn start_message(error: &StartError) -> String {
    if let StartError::AlreadyRunning { state_dir, pid } = error {
        let process = pid.map_or_else(String::new, |pid| format!(" (process {pid})"));
        return format!("another node{process} already uses {}", state_dir.display());
    }
    error.to_string()
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
