//! `games`: what there is, here and at others.

use lanspread_api::{
    Command, Reply,
    amount::Bytes,
    client,
    types::{
        play::PlayState,
        snapshot::{Content, Game, NotShared},
    },
};

use crate::{
    report::Outcome,
    session::Session,
    table::{Align, Table},
    words,
};

/// List the games that are here or at other peers; with a name, all about one game
#[derive(Debug, clap::Args)]
pub(crate) struct GamesArgs {
    /// The game to show
    #[arg(value_name = "GAME")]
    game: Option<String>,
    /// List its files too
    #[arg(long, requires = "game")]
    files: bool,
}

pub(crate) fn run(args: &GamesArgs, session: &Session) -> Outcome {
    match &args.game {
        Some(game) if args.files => files(game, session),
        Some(game) => one(&session.game(game)?, session),
        None => all(session),
    }
}

fn all(session: &Session) -> Outcome {
    let reply = session.call(&Command::Games)?;
    let Reply::Games { games } = reply else {
        return Err(client::unexpected(&reply).into());
    };
    if session.out.is_json() {
        return Ok(session.out.json(&games)?);
    }
    if games.is_empty() {
        let text =
            "no games yet: `lanspread publish DIR` shares one, `lanspread peers` lists peers";
        return Ok(session.out.line(text)?);
    }
    Ok(session.out.table(&table(&games))?)
}

fn table(games: &[Game]) -> Table<6> {
    let mut table = Table::new([
        ("TITLE", Align::Left),
        ("GAME", Align::Left),
        ("VERSION", Align::Left),
        ("SIZE", Align::Right),
        ("PEERS", Align::Right),
        ("STATE", Align::Left),
    ]);
    for game in games {
        let shown = shown_content(game);
        let version = shown.map(|content| content.version.clone());
        let local = game.local.downloaded.clone();
        table.row([
            game.title.clone(),
            game.game.clone(),
            version.or(local).unwrap_or_default(),
            shown.map_or_else(String::new, |c| Bytes(c.payload.bytes).to_string()),
            shown.map_or_else(String::new, |content| content.ready.to_string()),
            words::state(game),
        ]);
    }
    table
}

/// The content that `get` would take, else the newest.
fn shown_content(game: &Game) -> Option<&Content> {
    let newest = game
        .contents
        .iter()
        .find(|c| Some(&c.content) == game.newest.as_ref());
    newest.or_else(|| game.contents.first())
}

fn one(game: &Game, session: &Session) -> Outcome {
    if session.out.is_json() {
        return Ok(session.out.json(game)?);
    }
    for line in session.out.heading(&game.game, &game.title) {
        session.out.line(line)?;
    }
    for (key, value) in facts(game) {
        for line in session.out.fact(key, 11, &value) {
            session.out.line(line)?;
        }
    }
    for content in &game.contents {
        session.out.line(content_line(content))?;
    }
    Ok(())
}

fn facts(game: &Game) -> Vec<(&'static str, String)> {
    let local = &game.local;
    let mut facts = vec![("state", words::state(game))];
    if let Some(version) = &local.downloaded {
        facts.push(("downloaded", version.clone()));
    }
    if let Some(installed) = &local.installed {
        let version = installed.version.as_deref();
        let unknown = "in a version that nobody knows: all of it counts as yours";
        facts.push(("installed", version.unwrap_or(unknown).to_owned()));
    }
    if local.partial_bytes > 0 {
        facts.push((
            "unfinished",
            format!("{} on disk", Bytes(local.partial_bytes)),
        ));
    }
    if let Some(NotShared::Refused {
        entry,
        code,
        reason,
    }) = &local.not_shared
    {
        facts.push(("not shared", format!("{entry}: {reason} [{code}]")));
    }
    if local.kept_bytes > 0 {
        facts.push(("kept", format!("{} of your files", Bytes(local.kept_bytes))));
    }
    facts.extend(known(game));
    if let Some(error) = game.operation.as_ref().and_then(|o| o.error.as_ref()) {
        facts.push(("last error", error.to_string()));
    }
    facts
}

/// What is known of it besides its bytes, and who plays.
fn known(game: &Game) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(play) = &game.play
        && (play.state == PlayState::Running || play.serving)
    {
        let what = [
            (play.state == PlayState::Running, "the game"),
            (play.serving, "its server"),
        ];
        let what = what.iter().filter(|(runs, _)| *runs).map(|(_, what)| *what);
        facts.push(("running", what.collect::<Vec<_>>().join(", ")));
    }
    for host in &game.hosts {
        let key: String = host.peer.chars().take(8).collect();
        let port = host
            .port
            .map_or_else(String::new, |port| format!(", port {port}"));
        facts.push(("hosted by", format!("{key}{port}")));
    }
    let Some(about) = &game.about else {
        return facts;
    };
    let texts = [
        ("about", about.description.clone()),
        (
            "players",
            about.players_max.map(|max| format!("up to {max}")),
        ),
        ("year", about.year.map(|year| year.to_string())),
        ("licence", about.licence.clone()),
    ];
    facts.extend(
        texts
            .into_iter()
            .filter_map(|(key, text)| Some((key, text?))),
    );
    facts
}

fn content_line(content: &Content) -> String {
    let unpacked = content.unpacked.map_or_else(String::new, |size| {
        format!(", {} unpacked", Bytes(size.bytes))
    });
    format!(
        "  version {}: {}{unpacked}\n    {} ready, {} loading, {} installed only\n    {}",
        content.version,
        Bytes(content.payload.bytes),
        words::count(content.ready.into(), "peer"),
        content.partial,
        content.local_only,
        content.content,
    )
}

fn files(game: &str, session: &Session) -> Outcome {
    let command = Command::Files {
        game: game.to_owned(),
        content: None,
    };
    let reply = session.call(&command)?;
    let Reply::Files { files } = reply else {
        return Err(client::unexpected(&reply).into());
    };
    if session.out.is_json() {
        return Ok(session.out.json(&files)?);
    }
    let mut table = Table::new([("SIZE", Align::Right), ("FILE", Align::Whole)]);
    for file in files {
        table.row([Bytes(file.bytes).to_string(), file.path]);
    }
    Ok(session.out.table(&table)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn fits_and_says_what_matters() {
        let lines = table(&sample::games()).lines(80);
        assert!(lines.iter().all(|line| line.chars().count() <= 80));
        insta::assert_snapshot!(lines.join("\n"), @r"
        TITLE              GAME               VERSION      SIZE  PEERS  STATE
        BATTLEFIELD 1942   battlefield 1942   20260704  59.6 GB      3  downloading 44%
        QUAKE III ARENA …  quake iii arena …  20260704  59.6 GB      3  installed, upda…
        SAVES              saves                                        not shared yet
        UNREAL             unreal             20260704  59.6 GB      3  download failed
        ");
    }

    #[test]
    fn why_a_game_is_not_shared_and_because_of_what() {
        let mut game = sample::games().remove(2);
        game.local.not_shared = Some(NotShared::Refused {
            entry: "a/b.txt".to_owned(),
            code: "payload".to_owned(),
            reason: "it is a link".to_owned(),
        });
        let why = ("not shared", "a/b.txt: it is a link [payload]".to_owned());
        assert!(facts(&game).contains(&why));
    }

    #[test]
    fn one_game() {
        let games = sample::games();
        let text: Vec<String> = facts(&games[0])
            .into_iter()
            .map(|(key, value)| format!("{key}: {value}"))
            .chain(games[0].contents.iter().map(content_line))
            .collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        state: downloading 44%
        unfinished: 26.8 GB on disk
          version 20260704: 59.6 GB, 88.0 GB unpacked
            3 peers ready, 1 loading, 0 installed only
            cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
        ");
    }
}
