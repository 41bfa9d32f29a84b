//! [`Display`]: how far the demo is: a bar on a terminal, plain lines elsewhere.

use std::{
    convert::Infallible,
    io::{self, IsTerminal, Write},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lanspread_demo::{Phase, Progress};
use tokio::sync::watch;

use crate::words;

/// A line is written for every so many percent.
const LINE_PERCENT: u64 = 25;

/// What a person sees while the demo runs.
pub(super) enum Display {
    Silent,
    Bar(ProgressBar),
    /// The last line's phase and percent.
    Lines(Option<(Phase, u64)>),
}

impl Display {
    pub(super) fn new(silent: bool) -> Self {
        if silent {
            return Self::Silent;
        }
        if !io::stderr().is_terminal() {
            return Self::Lines(None);
        }
        let bar = ProgressBar::with_draw_target(Some(100), ProgressDrawTarget::stderr());
        // A template that does not parse would only be less pretty.
        if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {wide_msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self::Bar(bar)
    }

    /// Shows whatever comes, without an end.
    pub(super) async fn follow(&mut self, mut progress: watch::Receiver<Progress>) -> Infallible {
        loop {
            let now = *progress.borrow_and_update();
            self.show(now);
            if progress.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    fn show(&mut self, progress: Progress) {
        let percent = words::percent(progress.done_bytes, progress.total_bytes);
        match self {
            Self::Silent => {}
            Self::Bar(bar) => {
                bar.set_position(percent.unwrap_or(0));
                bar.set_message(text(progress, percent));
            }
            Self::Lines(last) => {
                let key = (progress.phase, percent.unwrap_or(0) / LINE_PERCENT);
                if *last != Some(key) && progress.phase != Phase::Ready {
                    *last = Some(key);
                    // Standard error is for people; if it is gone, the demo goes on.
                    drop(writeln!(io::stderr().lock(), "{}", text(progress, percent)));
                }
            }
        }
    }

    pub(super) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

/// At most 52 columns, so that the bar fits a line of 80.
fn text(progress: Progress, percent: Option<u64>) -> String {
    let mut text = match progress.phase {
        Phase::Generating => "generating games",
        Phase::Meeting => "the peers meet",
        Phase::Fetching => "downloading, installing",
        Phase::Checking => "checking files",
        Phase::Ready => "ready",
    }
    .to_owned();
    if let Some(percent) = percent {
        text.insert_str(0, &format!("{percent:>3}% "));
    }
    if progress.rate > 0 {
        text.push_str(&format!(", {}", words::rate(progress.rate)));
    }
    match progress.sources {
        0 => {}
        number => text.push_str(&format!(" from {number}")),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short() {
        let progress = Progress {
            phase: Phase::Fetching,
            done_bytes: 999,
            total_bytes: 1_000,
            rate: 123_456_789,
            sources: 2,
        };
        let text = text(progress, Some(99));
        assert_eq!(text, " 99% downloading, installing, 123 MB/s from 2");
        assert!(text.len() <= 52);
    }
}
