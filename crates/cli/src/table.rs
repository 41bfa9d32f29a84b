//! [`Table`]: aligned columns that fit the width of the terminal.

use unicode_width::UnicodeWidthStr;

/// Space between two columns.
const GAP: usize = 2;
/// A column that gives way keeps at least this much.
const FLEXIBLE_MIN: usize = 8;

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text; the widest such column gives way when the table is too wide.
    Left,
    /// Text that is never cut: people copy it.
    Whole,
    /// Numbers.
    Right,
}

/// Rows of text under headings.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    columns: [(&'static str, Align); N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table without rows.
    pub(crate) const fn new(columns: [(&'static str, Align); N]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row. Text from peers has been cleaned of hidden characters before.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// The lines of the table, headings first, none wider than `width` where that can be.
    pub(crate) fn lines(&self, width: usize) -> Vec<String> {
        let widths = self.fitted(width);
        let headings = self.columns.map(|(heading, _)| heading.to_owned());
        std::iter::once(&headings)
            .chain(&self.rows)
            .map(|cells| self.line(cells, &widths))
            .collect()
    }

    fn fitted(&self, width: usize) -> [usize; N] {
        let mut widths = self.columns.map(|(heading, _)| heading.width());
        for cells in &self.rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.width());
            }
        }
        loop {
            let total = widths.iter().sum::<usize>() + GAP * N.saturating_sub(1);
            let widest = widths
                .iter_mut()
                .zip(&self.columns)
                .filter(|(width, (_, align))| *align == Align::Left && **width > FLEXIBLE_MIN)
                .map(|(width, _)| width)
                .max();
            match widest {
                Some(widest) if total > width => *widest -= 1,
                Some(_) | None => return widths,
            }
        }
    }

    fn line(&self, cells: &[String; N], widths: &[usize; N]) -> String {
        let mut line = String::new();
        for ((cell, &width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            let cell = fit(cell, width);
            let blank = " ".repeat(width.saturating_sub(cell.width()));
            match align {
                Align::Left | Align::Whole => line.push_str(&(cell + &blank)),
                Align::Right => line.push_str(&(blank + &cell)),
            }
            line.push_str(&" ".repeat(GAP));
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// The text, cut to a width with an ellipsis if it is wider.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        let mut longer = kept.clone();
        longer.push(c);
        if longer.width() + 1 > width {
            break;
        }
        kept = longer;
    }
    kept.push('…');
    kept
}

/// The text in lines of at most `width` columns, broken between words; a word that is longer stays
/// whole, for people copy it. At least one line.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
        let longer = line.width() + 1 + word.width();
        if !line.is_empty() && longer > width {
            lines.push(std::mem::take(&mut line));
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_between_words() {
        let check = |text: &str, width: usize, expected: &[&str]| {
            assert_eq!(wrap(text, width), expected, "{text}");
        };
        check("", 10, &[""]);
        check("one two", 7, &["one two"]);
        check("one two three", 8, &["one two", "three"]);
        check("/a/long/path is", 5, &["/a/long/path", "is"]);
        check("三国志 大戦", 7, &["三国志", "大戦"]);
        check("one two", usize::MAX, &["one two"]);
    }

    fn table() -> Table<3> {
        let mut table = Table::new([
            ("GAME", Align::Left),
            ("SIZE", Align::Right),
            ("KEY", Align::Whole),
        ]);
        for (game, size) in [("quake", "1.0 GB"), ("a game with a long name", "9 B")] {
            table.row([game.to_owned(), size.to_owned(), "a7a7a7a7".to_owned()]);
        }
        table
    }

    #[test]
    fn aligned() {
        insta::assert_snapshot!(table().lines(80).join("\n"), @r"
        GAME                       SIZE  KEY
        quake                    1.0 GB  a7a7a7a7
        a game with a long name     9 B  a7a7a7a7
        ");
    }

    #[test]
    fn text_gives_way() {
        let lines = table().lines(32);
        assert!(lines.iter().all(|line| line.width() <= 32), "{lines:?}");
        insta::assert_snapshot!(lines.join("\n"), @r"
        GAME              SIZE  KEY
        quake           1.0 GB  a7a7a7a7
        a game with a…     9 B  a7a7a7a7
        ");
    }

    #[test]
    fn wide_characters() {
        assert_eq!(fit("三国志大戦", 7), "三国志…");
        assert_eq!(fit("abc", 3), "abc");
    }

    #[test]
    fn never_narrower_than_its_minimum() {
        assert_eq!(
            table().lines(5)[2].split_whitespace().last(),
            Some("a7a7a7a7")
        );
    }
}
