//! `docs/BENCHMARKS.md`: each bench owns the part between its two marks.

use anyhow::{Context, Result};

use crate::repo::Repo;

const PAGE: &str = "docs/BENCHMARKS.md";
const HEAD: &str = "# Benchmarks\n\n\
    Measured, with the command that measures it; nothing here is typed in by hand.\n";

/// Puts a bench's part into the page.
pub(super) fn write(repo: &Repo, bench: &str, part: &str) -> Result<()> {
    let page = if repo.holds(PAGE) {
        repo.read(PAGE)?
    } else {
        HEAD.to_string()
    };
    std::fs::write(repo.path(PAGE), replaced(&page, bench, part))
        .with_context(|| format!("writing {PAGE}"))
}

/// A bench's part, if the page has one.
pub(super) fn read(repo: &Repo, bench: &str) -> Result<Option<String>> {
    if !repo.holds(PAGE) {
        return Ok(None);
    }
    let (begin, end) = marks(bench);
    let page = repo.read(PAGE)?;
    let rest = page.split_once(&begin).map(|(_, rest)| rest);
    let part = rest.and_then(|rest| Some(rest.split_once(&end)?.0));
    Ok(part.map(String::from))
}

fn marks(bench: &str) -> (String, String) {
    (
        format!("<!-- {bench} begins -->\n"),
        format!("<!-- {bench} ends -->\n"),
    )
}

fn replaced(page: &str, bench: &str, part: &str) -> String {
    let (begin, end) = marks(bench);
    let part = format!("{begin}{part}{end}");
    let around = page
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    match around {
        Some((before, after)) => format!("{before}{part}{after}"),
        None => format!("{page}\n{part}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_part() {
        let page = replaced(HEAD, "pair", "old\n");
        let page = replaced(&page, "swarm", "other\n");
        let page = replaced(&page, "pair", "new\n");
        let expected = "<!-- pair begins -->\nnew\n<!-- pair ends -->\n\n\
                        <!-- swarm begins -->\nother\n<!-- swarm ends -->\n";
        assert_eq!(page, format!("{HEAD}\n{expected}"));
    }
}
