//! [`Output`]: what a command says on standard output, for people or for programs.

use std::io::{self, IsTerminal, StdoutLock, Write};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::{
    env,
    table::{self, Table},
};

/// Columns of a terminal that does not say how many it has.
const WIDTH_DEFAULT: usize = 80;

/// Standard output, and how to write on it.
#[derive(Debug)]
pub(crate) struct Output {
    form: Form,
    colour: bool,
    width: usize,
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
    /// Black on white, as on paper.
    Paper,
}

impl Output {
    /// Standard output as it is: colours only on a terminal that wants them.
    pub(crate) fn new(form: Form) -> Self {
        Self {
            form,
            colour: io::stdout().is_terminal() && colours_wanted(),
            width: width(),
        }
    }

    /// Without colours, for people.
    #[cfg(test)]
    pub(crate) const fn plain(width: usize) -> Self {
        Self {
            form: Form::Human,
            colour: false,
            width,
        }
    }

    /// Whether colours are wanted.
    pub(crate) const fn is_colourful(&self) -> bool {
        self.colour
    }

    /// Columns that a line may have.
    pub(crate) const fn width(&self) -> usize {
        self.width
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
        for (number, line) in table.lines(self.width).iter().enumerate() {
            if number == 0 {
                self.line(self.paint(Tone::Strong, line))?;
            } else {
                self.line(line)?;
            }
        }
        Ok(())
    }

    /// What something is called by programs, for people to copy, and by people: one line, or two.
    pub(crate) fn heading(&self, id: &str, title: &str) -> Vec<String> {
        let strong = self.paint(Tone::Strong, id);
        if id.width() + 2 + title.width() <= self.width {
            return vec![format!("{strong}  {title}")];
        }
        let title = table::fit(title, self.width.saturating_sub(2));
        vec![strong, format!("  {title}")]
    }

    /// The lines of a fact: its key in so many columns, and the text beside it, however long.
    pub(crate) fn fact(&self, key: &str, columns: usize, text: &str) -> Vec<String> {
        self.marked_fact(None, key, columns, text)
    }

    /// As [`Output::fact`], with the key in the colour of what it means.
    pub(crate) fn marked_fact(
        &self,
        tone: Option<Tone>,
        key: &str,
        columns: usize,
        text: &str,
    ) -> Vec<String> {
        let indent = columns + 3;
        let blank = " ".repeat(columns.saturating_sub(key.width()));
        let key = tone.map_or_else(|| key.to_owned(), |tone| self.paint(tone, key));
        let mut head = format!("  {key}{blank} ");
        let mut lines = Vec::new();
        for part in table::wrap(text, self.width.saturating_sub(indent)) {
            lines.push(head + &part);
            head = " ".repeat(indent);
        }
        lines
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
        Tone::Paper => "30;107",
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

/// Columns of the terminal; where there is none, nothing is cut: programs read what is in pipes.
fn width() -> usize {
    if !io::stdout().is_terminal() {
        return usize::MAX;
    }
    match terminal_size::terminal_size_of(io::stdout()) {
        // A serial line says zero.
        Some((terminal_size::Width(columns), _)) if columns > 0 => columns.into(),
        Some(_) | None => WIDTH_DEFAULT,
    }
}
