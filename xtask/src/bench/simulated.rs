//! `cargo xtask sim suite`: the large parties of the simulator, with their row in the page.

use anyhow::Result;

use super::{machine, page};
use crate::{process, repo::Repo};

const HEAD: &str = "## Large parties, simulated\n\n\
    The scheduler of the product in virtual time, every cable 1 Gbit/s (117 MB/s of\n\
    payload), pieces of 1 MiB, one seeder. T is when the last one had everything; the\n\
    bound is one file time at the rate of a cable and the slots in which a piece can\n\
    reach everybody. F is the content. The wire carries whole pieces and knows no credit.\n\
    Each row: `cargo xtask sim suite NAME --seed SEED`.\n\n\
    | suite | party | pieces | seed | T / bound | seeder sends, F \
    | enters a switch, F | in vain | run on |\n\
    |---|---|--:|--:|--:|--:|--:|--:|---|\n";

/// Runs suites in release and puts their rows into the page.
pub(super) fn run(repo: &Repo, args: &[String]) -> Result<bool> {
    let mut command = process::cargo(repo.root(), ["run", "--release", "--locked"]);
    command
        .args(["--package", "lanspread-sim", "--"])
        .args(args);
    let (succeeded, lines) = process::watched(&mut command)?;
    let today = machine::today();
    let fresh = lines.iter().filter(|line| line.starts_with("| "));
    let fresh: Vec<String> = fresh.map(|row| format!("{row} {today} |")).collect();
    if !fresh.is_empty() {
        let part = page::read(repo, "sim")?.unwrap_or_default();
        page::write(repo, "sim", &merged(&part, &fresh))?;
    }
    Ok(succeeded)
}

/// The rows of the page, with fresh ones in the place of those of the same suite and seed.
fn merged(part: &str, fresh: &[String]) -> String {
    let is_row = |line: &&str| line.starts_with("| ") && !line.starts_with("| suite ");
    let mut rows: Vec<String> = part.lines().filter(is_row).map(String::from).collect();
    for row in fresh {
        match rows.iter_mut().find(|old| key(old) == key(row)) {
            Some(old) => old.clone_from(row),
            None => rows.push(row.clone()),
        }
    }
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    format!("{HEAD}{rows}")
}

/// Suite and seed.
fn key(row: &str) -> (Option<&str>, Option<&str>) {
    let cell = |number| row.split('|').nth(number).map(str::trim);
    (cell(1), cell(4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_takes_the_place_of_its_own_kind() {
        let row = |suite: &str, seed: u32, ratio: &str| {
            format!("| {suite} | a party | 4000 | {seed} | {ratio} | 1.0 | – | 0.00 % | today |")
        };
        let page = merged("", &[row("a", 1, "1.5"), row("b", 1, "1.4")]);
        let page = merged(&page, &[row("a", 1, "1.1"), row("a", 2, "1.2")]);
        let expected = [row("a", 1, "1.1"), row("b", 1, "1.4"), row("a", 2, "1.2")];
        assert_eq!(page, format!("{HEAD}{}\n", expected.join("\n")));
    }
}
