//! [`rpc`]: the one dispatch of commands, for HTTP, lines of JSON and desktop shells alike.

mod play;

use std::{path::PathBuf, str::FromStr, time::Duration};

use lanspread_node::{
    NodeHandle, OperationError, Snapshot as NodeSnapshot,
    config::{MirrorSettings, Settings},
    handle::{
        AfterDownload, ChangedFiles, GamesMove, GetRequest, Partials, PublishHow, PublishRequest,
        ShareChange, UserFiles, WhileInstalled,
    },
    snapshot::{GameView, OperationId},
};
use lanspread_proto::{ContentId, GameId, VersionLabel, text::PeerName};

use crate::{
    address,
    error::Report,
    types::{
        Command, Reply, SettingsChange,
        command::{ByteLimit, GetCommand, PublishCommand, RateLimit},
        snapshot::{Game, Peer, PeerState},
    },
};

/// Longest pause of sharing that has an end, in milliseconds: a day.
const SHARE_PAUSE_MS_MAX: u64 = 24 * 60 * 60 * 1_000;
/// Most downloads at once that make sense.
const DOWNLOADS_MAX: usize = 16;

/// Carries a command out that is about the node.
///
/// # Errors
/// A part of the command is not valid, or the node refused; nothing has changed then.
pub(crate) async fn rpc(node: &NodeHandle, command: Command) -> Result<Reply, Report> {
    use Command as C;
    node.until_listed().await;
    match command {
        C::Snapshot => Ok(Reply::Snapshot(Box::new((&*node.snapshot()).into()))),
        C::Games => Ok(games(node)),
        C::Game { game } => one_game(node, &parse_game(&game)?),
        C::Peers => Ok(peers(node)),
        C::Files { game, content } => files(node, &game, content.as_deref()).await,
        C::Get(get) => started(node.get(get_request(get)?).await),
        C::Install { game } => started(node.install(parse_game(&game)?).await),
        C::Update { game } => started(node.update(parse_game(&game)?).await),
        C::Uninstall { game, purge } => {
            let files = either(purge, UserFiles::Purge, UserFiles::Keep);
            started(node.uninstall(parse_game(&game)?, files).await)
        }
        C::Remove {
            game,
            keep_installed,
        } => {
            use WhileInstalled::{KeepInstalled, Refuse};
            let installed = either(keep_installed, KeepInstalled, Refuse);
            started(node.remove(parse_game(&game)?, installed).await)
        }
        C::Cancel { game, discard } => {
            let partials = either(discard, Partials::Discard, Partials::Keep);
            done(node, node.cancel(parse_game(&game)?, partials).await).await
        }
        C::Pause { game } => done(node, node.pause(parse_game(&game)?).await).await,
        C::Resume { game } => done(node, node.resume(parse_game(&game)?).await).await,
        C::Reorder { games } => done(node, node.reorder(parse_games(&games)?).await).await,
        C::PlanPublish { folder } => plan_publish(node, folder).await,
        C::Publish(publish) => started(node.publish(publish_request(publish)?).await),
        C::Verify { game, force } => {
            let changed = either(force, ChangedFiles::PutBack, ChangedFiles::Leave);
            started(node.verify(parse_game(&game)?, changed).await)
        }
        C::PlayPlan(plan) => play::plan(node, plan).await,
        C::Play(command) => play::play(node, command).await,
        C::StartServer(command) => play::serve(node, command).await,
        C::SetWine { program } => play::set_wine(node, program).await,
        C::Rescan => done(node, node.rescan().await).await,
        C::Share { game, on } => share(node, game.as_deref(), on).await,
        C::SharePause { for_ms } => {
            let pause = ShareChange::Pause(for_ms.map(parse_pause).transpose()?);
            done(node, node.share(pause).await).await
        }
        C::SetSettings(change) => set_settings(node, change).await,
        C::SetName { name } => done(node, node.set_name(parse_name(&name)?).await).await,
        C::SetGamesDir { folder, moved } => {
            let how = either(moved, GamesMove::Move, GamesMove::UseAsItIs);
            done(node, node.set_games_dir(parse_folder(folder)?, how).await).await
        }
        C::Connect { address } => connect(node, &address).await,
        C::Block { peer, blocked } => {
            done(node, node.block(parse("peer", &peer)?, blocked).await).await
        }
        C::Pair
        | C::FinishFirstRun { .. }
        | C::Quit { .. }
        | C::OpenFolder { .. }
        | C::Browse { .. }
        | C::MakeFolder { .. }
        | C::Doctor
        | C::Logs { .. }
        | C::History => Err(Report::new("internal", "a node does not know this command")),
    }
}

/// What is to be remembered over a restart of the program.
pub(crate) const fn is_setting(command: &Command) -> bool {
    use Command as C;
    matches!(
        command,
        C::SetSettings(_)
            | C::SetName { .. }
            | C::SetGamesDir { .. }
            | C::SetWine { .. }
            | C::Share { game: None, .. }
    )
}

fn games(node: &NodeHandle) -> Reply {
    let snapshot = node.snapshot();
    let games = snapshot.games.iter().filter(|game| is_somewhere(game));
    let mut games: Vec<Game> = games.map(Into::into).collect();
    games.sort_by_cached_key(|game| (game.title.to_lowercase(), game.game.clone()));
    Reply::Games { games }
}

/// Of a publish that failed or a download that was cancelled nothing but that may be left: who asks
/// for the game by its name is told.
fn is_somewhere(game: &GameView) -> bool {
    let works = game.operation.as_ref().is_some_and(|o| !o.phase.is_end());
    works || !game.contents.is_empty() || game.local.present || game.local.partial_bytes > 0
}

fn one_game(node: &NodeHandle, game: &GameId) -> Result<Reply, Report> {
    let snapshot = node.snapshot();
    let found = snapshot.games.iter().find(|view| view.game == *game);
    found
        .map(|view| Reply::Game(Box::new(view.into())))
        .ok_or_else(|| OperationError::UnknownGame(game.clone()).into())
}

fn peers(node: &NodeHandle) -> Reply {
    let peers: Vec<Peer> = node.snapshot().peers.iter().map(Into::into).collect();
    let connected = peers.iter().filter(|p| p.state == PeerState::Connected);
    Reply::Peers {
        connected: u32::try_from(connected.count()).unwrap_or(u32::MAX),
        peers,
    }
}

/// Where a game lies on this machine.
pub(crate) fn folder_of(snapshot: &NodeSnapshot, game: &GameId) -> Result<PathBuf, Report> {
    let found = snapshot.games.iter().find(|view| view.game == *game);
    let folder = found.and_then(|view| view.folder.clone());
    folder.ok_or_else(|| OperationError::UnknownGame(game.clone()).into())
}

async fn files(node: &NodeHandle, game: &str, content: Option<&str>) -> Result<Reply, Report> {
    let files = node
        .files(parse_game(game)?, parse_content(content)?)
        .await?;
    Ok(Reply::Files {
        files: files.iter().map(Into::into).collect(),
    })
}

fn get_request(get: GetCommand) -> Result<GetRequest, Report> {
    let then = match (get.low_disk, get.install, &get.from) {
        (false, true, _) => AfterDownload::Install,
        (false, false, _) => AfterDownload::Keep,
        (true, true, None) => AfterDownload::InstallLowDisk,
        (true, _, _) => {
            let why = "a low-disk install stores nothing: not without an install, not with `from`";
            return Err(Report::new("bad-value", why.to_owned()));
        }
    };
    Ok(GetRequest {
        game: parse_game(&get.game)?,
        content: parse_content(get.content.as_deref())?,
        then,
        from: get.from.map(parse_folder).transpose()?,
    })
}

async fn plan_publish(node: &NodeHandle, folder: String) -> Result<Reply, Report> {
    let plan = node.plan_publish(parse_folder(folder)?).await?;
    Ok(Reply::PublishPlan((&plan).into()))
}

fn publish_request(publish: PublishCommand) -> Result<PublishRequest, Report> {
    let version = VersionLabel::parse(&publish.version)
        .map_err(|error| Report::new("bad-value", format!("the version is not usable: {error}")))?;
    Ok(PublishRequest {
        source: parse_folder(publish.folder)?,
        version,
        how: either(publish.moved, PublishHow::Move, PublishHow::Pack),
    })
}

/// Sharing as a whole is a setting; switched on, it ends a pause too.
async fn share(node: &NodeHandle, game: Option<&str>, on: bool) -> Result<Reply, Report> {
    if let Some(game) = game {
        let change = ShareChange::Game(parse_game(game)?, on);
        return done(node, node.share(change).await).await;
    }
    if on {
        node.share(ShareChange::Resume).await?;
    }
    let change = SettingsChange {
        share: Some(on),
        ..SettingsChange::default()
    };
    set_settings(node, change).await
}

/// Changes settings and waits until the snapshot shows them, so that the next change, which starts
/// from the snapshot, does not undo this one.
async fn set_settings(node: &NodeHandle, change: SettingsChange) -> Result<Reply, Report> {
    let settings = changed(&node.snapshot().settings, change)?;
    done(node, node.set_settings(settings).await).await
}

fn changed(settings: &Settings, change: SettingsChange) -> Result<Settings, Report> {
    let rate = |old: Option<u64>, new: Option<RateLimit>| match new.map(RateLimit::bytes_per_second)
    {
        Some(Some(0)) => Err(Report::new(
            "bad-value",
            "a limit is at least 1 byte per second, or `off`",
        )),
        Some(limit) => Ok(limit),
        None => Ok(old),
    };
    let downloads_max = change.downloads_max.unwrap_or(settings.downloads_max);
    if !(1..=DOWNLOADS_MAX).contains(&downloads_max) {
        let message = format!("downloads at once are a number from 1 to {DOWNLOADS_MAX}");
        return Err(Report::new("bad-value", message));
    }
    Ok(Settings {
        share: change.share.unwrap_or(settings.share),
        up_rate_max: rate(settings.up_rate_max, change.up_rate_max)?,
        down_rate_max: rate(settings.down_rate_max, change.down_rate_max)?,
        downloads_max,
        wine: settings.wine.clone(),
        mirror: MirrorSettings {
            on: change.mirror.unwrap_or(settings.mirror.on),
            quota_bytes: (change.mirror_quota)
                .map_or(settings.mirror.quota_bytes, ByteLimit::bytes),
            free_min_bytes: change.mirror_free.unwrap_or(settings.mirror.free_min_bytes),
        },
    })
}

/// Tries the addresses in turn; the error of the last one is the answer.
async fn connect(node: &NodeHandle, address: &str) -> Result<Reply, Report> {
    let mut last = Report::new("no-address", format!("{address} has no address"));
    for address in address::resolve(address).await? {
        match node.connect(address).await {
            Ok(peer) => {
                // What it has can be asked for by whoever connected.
                node.shown().await;
                node.until_heard_of(peer).await;
                return Ok(Reply::Connected {
                    peer: peer.to_string(),
                    words: peer.words(),
                });
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

fn started(result: Result<OperationId, OperationError>) -> Result<Reply, Report> {
    let OperationId(operation) = result?;
    Ok(Reply::Started { operation })
}

/// Whoever asks after the answer sees what was changed.
async fn done(node: &NodeHandle, result: Result<(), OperationError>) -> Result<Reply, Report> {
    result?;
    node.shown().await;
    Ok(Reply::Done)
}

fn either<T>(which: bool, yes: T, no: T) -> T {
    if which { yes } else { no }
}

pub(crate) fn parse_game(text: &str) -> Result<GameId, Report> {
    parse("game", text)
}

fn parse_games(texts: &[String]) -> Result<Vec<GameId>, Report> {
    texts.iter().map(|text| parse_game(text)).collect()
}

fn parse_content(text: Option<&str>) -> Result<Option<ContentId>, Report> {
    text.map(|text| parse("content", text)).transpose()
}

pub(crate) fn parse_name(text: &str) -> Result<PeerName, Report> {
    let name = PeerName::clean(text);
    if name.as_str().is_empty() {
        return Err(Report::new("bad-value", "a name has at least one letter"));
    }
    Ok(name)
}

/// A relative path would depend on where this node was started.
fn parse_folder(text: String) -> Result<PathBuf, Report> {
    let folder = PathBuf::from(text);
    if folder.is_absolute() {
        return Ok(folder);
    }
    let message = format!("`{}` is no absolute path", folder.display());
    Err(Report::new("bad-value", message))
}

fn parse_pause(ms: u64) -> Result<Duration, Report> {
    if ms <= SHARE_PAUSE_MS_MAX {
        return Ok(Duration::from_millis(ms));
    }
    Err(Report::new("bad-value", "a pause lasts a day at most"))
}

fn parse<T: FromStr<Err: std::error::Error>>(what: &str, text: &str) -> Result<T, Report> {
    text.parse().map_err(|error| {
        let message = format!("`{text}` is no {what}: {error}");
        Report::new("bad-value", message)
    })
}

#[cfg(test)]
mod tests;
