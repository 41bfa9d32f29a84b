//! [`Output`]: what a command says on standard output, for people or for programs.

use std::io::{self, IsTerminal, StdoutLock, Write};

use serde::Serialize;

use crate::{env, table::Table};

/// Columns when standard output is no terminal.
const WIDTH_DEFAULT: usize = 80;

/// Standard output, and how to write on it.
#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
    colour: bool,
}

/// For whom the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Tables and sentences.
    Human,
    /// One JSON document.
    Json,
}

/// What a text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// A person should look.
    Warn,
    /// Something is wrong.
    Bad,
    /// A heading.
    Strong,
}

impl Output {
    /// Standard output as it is: colours only on a terminal that wants them.
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            colour: io::stdout().is_terminal() && colours_wanted(),
        }
    }

    /// Without colours.
    #[cfg(test)]
    pub(crate) const fn plain(form: Form) -> Self {
        Self {
            form,
            colour: false,
        }
    }

    /// Whether programs read it.
    pub(crate) fn is_json(&self) -> bool {
        self.form == Form::Json
    }

    /// Says one line to people.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> io::Result<()> {
        writeln!(stdout(), "{}", text.as_ref())
    }

    /// Writes one JSON document for programs.
    pub(crate) fn json(&self, value: &impl Serialize) -> io::Result<()> {
        let mut out = stdout();
        serde_json::to_writer_pretty(&mut out, value)?;
        writeln!(out)
    }

    /// Writes bytes as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        stdout().write_all(bytes)
    }

    /// Writes a table with its headings marked.
    pub(crate) fn table<const N: usize>(&self, table: &Table<N>) -> io::Result<()> {
        for (number, line) in table.lines(width()).iter().enumerate() {
            if number == 0 {
                self.line(self.paint(Tone::Strong, line))?;
            } else {
                self.line(line)?;
            }
        }
        Ok(())
    }

    /// The text in the colour of its meaning, where colours are wanted.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        paint(self.colour, tone, text)
    }
}

/// The text in the colour of its meaning.
pub(crate) fn paint(colour: bool, tone: Tone, text: &str) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Warn => "33",
        Tone::Bad => "31",
        Tone::Strong => "1",
    };
    if colour {
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// Nothing in the environment speaks against colours.
pub(crate) fn colours_wanted() -> bool {
    env::read(env::NO_COLOR).is_none()
}

fn stdout() -> StdoutLock<'static> {
    io::stdout().lock()
}

/// Columns of the terminal.
fn width() -> usize {
    terminal_size::terminal_size_of(io::stdout())
        .map_or(WIDTH_DEFAULT, |(terminal_size::Width(width), _)| {
            width.into()
        })
}
