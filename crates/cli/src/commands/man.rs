//! `man`: the manual page.

use std::io;

use clap::CommandFactory;

use lanspread_api::Report;

use crate::{args::Args, report::Outcome, session::Session};

/// Print the manual page; `lanspread man | man -l -` shows it
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The page of this command instead
    command: Option<String>,
}

pub(crate) fn run(args: &ManArgs, session: &Session) -> Outcome {
    let mut root = Args::command();
    root.build();
    let page = match &args.command {
        None => &root,
        Some(name) => root
            .find_subcommand(name)
            .ok_or_else(|| Report::new("bad-value", format!("there is no command {name}")))?,
    };
    Ok(session.out.raw(&rendered(page)?)?)
}

fn rendered(page: &clap::Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let man = clap_mangen::Man::new(page.clone());
    man.render(&mut text)?;
    // Without a date, the crate leaves its place out, and what follows would be taken for it.
    let name = page.get_display_name().unwrap_or_else(|| page.get_name());
    let version = page.get_version().unwrap_or(env!("CARGO_PKG_VERSION"));
    let title = format!(".TH \"{name}\" \"1\" \"\" \"LanSpread {version}\" \"LanSpread\"\n");
    let mut page = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let own = line.starts_with(b".TH ");
        page.extend_from_slice(if own { title.as_bytes() } else { line });
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_says_all_five_places() {
        let mut root = Args::command();
        root.build();
        let check = |page: &clap::Command, name: &str| {
            let text = String::from_utf8(rendered(page).unwrap()).unwrap();
            let titles: Vec<_> = text.lines().filter(|l| l.starts_with(".TH")).collect();
            let version = env!("CARGO_PKG_VERSION");
            let expected = format!(r#".TH "{name}" "1" "" "LanSpread {version}" "LanSpread""#);
            assert_eq!(titles, [expected]);
        };
        check(&root, "lanspread");
        check(root.find_subcommand("get").unwrap(), "lanspread-get");
    }
}
