use super::*;

fn parse(line: &str) -> Result<Args, clap::Error> {
    Args::try_parse_from(std::iter::once("lanspread").chain(line.split_whitespace()))
        .and_then(Args::checked)
}

#[test]
fn the_command_line_is_sound() {
    Args::command().debug_assert();
}

#[test]
fn accepted() {
    for line in [
        "",
        "--no-open",
        "pair --no-open",
        "node --games /g --state /s --name N --listen 0.0.0.0:0 --connect a --connect b:1 --jsonl",
        "node --no-mdns --http 127.0.0.1:0",
        "node --interface eth0",
        "games",
        "games quake --files --json",
        "get quake --wait",
        "get quake --content abc --no-install --from /d -w",
        "get --all",
        "update --all --wait",
        "uninstall quake --purge",
        "remove quake --keep-installed",
        "cancel quake --discard",
        "pause --all",
        "resume quake",
        "queue",
        "queue doom quake",
        "publish /d --version 1.0 --move --yes",
        "share on",
        "share off quake",
        "share pause 30",
        "limit --up 10MB/s --down off",
        "settings",
        "settings games_dir /g --move",
        "kick anna --undo",
        "connect host:1",
        "logs -n 5",
        "handout",
        "handout --listen 192.168.0.1:80 --json",
        "completions bash",
        "man get",
        "-vv status --state /s",
    ] {
        assert!(parse(line).is_ok(), "{line}: {}", parse(line).unwrap_err());
    }
}

#[test]
fn refused() {
    for line in [
        "get",
        "get quake --all",
        "get --all --content abc",
        "games --files",
        "node --no-mdns --interface eth0",
        "node --listen nowhere",
        "limit --up fast",
        "share",
        "share pause 0",
        "settings color",
        "settings --move",
        "handout --listen somewhere",
        "completions cmd",
        "download quake",
        "pause",
        "--no-open games",
    ] {
        let error = parse(line).map(|_| ()).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

#[test]
fn the_help_fits_80_columns() {
    let mut command = Args::command().term_width(80);
    command.build();
    for command in command.get_subcommands_mut() {
        let help = command.render_long_help().to_string();
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{}", command.get_name());
    }
}

/// Whoever adds a command or flag writes it down.
#[test]
fn the_page_names_every_command_and_flag() {
    let page = include_str!("../../../../docs/CLI.md");
    for command in Args::command().get_subcommands() {
        let name = command.get_name();
        assert!(
            page.contains(&format!("`{name}")),
            "docs/CLI.md lacks {name}"
        );
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(
                page.contains(&format!("--{flag}")),
                "docs/CLI.md lacks {name} --{flag}"
            );
        }
    }
    for variable in [
        env::STATE,
        env::GAMES,
        env::NAME,
        env::LISTEN,
        env::UP,
        env::SHARE,
    ] {
        assert!(page.contains(variable), "docs/CLI.md lacks {variable}");
    }
}
