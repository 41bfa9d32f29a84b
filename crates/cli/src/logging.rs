//! Where log lines go: standard error for whoever watches, a file for whoever asks later.

use std::{io, path::Path};

use tracing_subscriber::{
    EnvFilter, Layer, fmt, layer::SubscriberExt, registry::Registry, util::SubscriberInitExt,
};

use crate::{env, log_files::LogFiles, output};

/// What the file gets: enough to understand what happened, bounded by its rotation.
const FILE_FILTER: &str = "info,lanspread=debug";

/// Installs both logs for this process. A log file that cannot be opened is a warning only.
pub(crate) fn install(state: &Path, verbose: u8) {
    let opened = LogFiles::open(state);
    let (files, problem) = match opened {
        Ok(files) => (Some(files), None),
        Err(error) => (None, Some(error)),
    };
    #[expect(clippy::disallowed_types, reason = "log lines come from every thread")]
    let to_files = files.map(|files| {
        fmt::layer()
            .with_writer(std::sync::Mutex::new(files))
            .with_ansi(false)
            .with_filter(EnvFilter::new(FILE_FILTER))
    });
    let installed = Registry::default()
        .with(to_stderr(verbose))
        .with(to_files)
        .try_init();
    if let Err(error) = installed {
        tracing::debug!(%error, "another log is installed already");
    }
    if let Some(error) = problem {
        tracing::warn!(%error, "no log is written to the state directory");
    }
}

/// Installs only the log for whoever watches.
pub(crate) fn install_without_file(verbose: u8) {
    let installed = Registry::default().with(to_stderr(verbose)).try_init();
    if let Err(error) = installed {
        tracing::debug!(%error, "another log is installed already");
    }
}

fn to_stderr(verbose: u8) -> impl Layer<Registry> {
    fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::IsTerminal::is_terminal(&io::stderr()) && output::colours_wanted())
        .with_target(verbose > 1)
        .with_filter(stderr_filter(env::read(env::LOG), verbose))
}

fn stderr_filter(wanted: Option<String>, verbose: u8) -> EnvFilter {
    let default = match verbose {
        0 => "warn",
        1 => "info",
        2 => "info,lanspread=debug",
        _ => "trace",
    };
    wanted
        .and_then(|wanted| EnvFilter::try_new(wanted).ok())
        .unwrap_or_else(|| EnvFilter::new(default))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_unless_it_is_wrong() {
        let check = |wanted: Option<&str>, verbose, expected: &str| {
            let filter = stderr_filter(wanted.map(str::to_owned), verbose);
            assert_eq!(filter.to_string(), expected);
        };
        check(None, 0, "warn");
        check(None, 1, "info");
        check(Some("error"), 3, "error");
        check(Some("=="), 9, "trace");
    }
}
