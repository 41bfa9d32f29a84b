//! `node`: run a peer until told to stop.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use lanspread_api::{HostName, Report, address};
use lanspread_node::{
    config::{Config, Discovery, Listen},
    doctor,
};

use self::life::Life;
use crate::{
    env, files, logging,
    report::Outcome,
    session::Session,
    settings::{self, Effective, Flags, SettingsFile},
    size::{Amount, Quota},
};

pub(crate) use self::keeper::Written;

mod doors;
mod keeper;
mod life;
pub(super) mod signals;

/// Run a peer until Ctrl+C
///
/// Settings come from flags, then the environment (LANSPREAD_GAMES, LANSPREAD_NAME, ...), then
/// config.toml in the state directory. With --jsonl, commands are read from standard input and
/// replies and notices are written to standard output, one JSON object per line; when standard
/// input ends, the peer stops.
#[derive(Debug, Default, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct NodeArgs {
    /// The games directory
    #[arg(long, value_name = "DIR")]
    games: Option<PathBuf>,
    /// The name other people see
    #[arg(long, value_name = "N")]
    name: Option<String>,
    /// Where to listen: IP:PORT, IP or PORT; without a port, 47100 or the next free one
    #[arg(long, value_name = "IP:PORT", value_parser = settings::parse_listen, env = env::LISTEN)]
    listen: Option<Listen>,
    /// Look for peers on this network interface only
    #[arg(long, value_name = "IF", conflicts_with = "no_mdns")]
    interface: Option<String>,
    /// Connect to this peer; may be given several times
    #[arg(long, value_name = "ADDR")]
    connect: Vec<String>,
    /// Do not look for peers by multicast
    #[arg(long)]
    no_mdns: bool,
    /// Where the control server listens; a free port of this machine when absent
    #[arg(long, value_name = "ADDR")]
    http: Option<SocketAddr>,
    /// Pages may use this name for this machine, too; may be given several times
    #[arg(long, value_name = "NAME")]
    http_name: Vec<HostName>,
    /// Everybody who reaches the control server may look at games and transfers, without pairing
    #[arg(long)]
    http_view: bool,
    /// Keep the newest version of every game that somebody shares
    #[arg(long)]
    mirror: bool,
    /// With --mirror: keep so much at most, 500GB for example; no limit when absent
    #[arg(long, value_name = "SIZE")]
    mirror_quota: Option<Quota>,
    /// With --mirror: leave so much free, 10GB when absent
    #[arg(long, value_name = "SIZE")]
    mirror_free: Option<Amount>,
    /// Commands on standard input, replies and notices on standard output, as lines of JSON
    #[arg(long)]
    jsonl: bool,
}

/// Threads that still work are left behind after so long.
const THREADS_TIMEOUT: Duration = Duration::from_millis(200);

/// What happens with the page once the node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    /// Nothing.
    Leave,
    /// Its address is printed.
    Print,
    /// It is opened.
    Open,
}

pub(crate) fn run(args: &NodeArgs, session: &Session) -> Outcome {
    run_with(args, Page::Leave, session)
}

/// Runs a peer. When a page is wanted and nothing was ever set, a person confirms on that page what
/// is set before anything listens.
pub(crate) fn run_with(args: &NodeArgs, page: Page, session: &Session) -> Outcome {
    let flags = Flags {
        name: args.name.clone(),
        games_dir: args.games.as_deref().map(files::absolute).transpose()?,
        mirror: args.mirror,
        mirror_quota: args.mirror_quota,
        mirror_free: args.mirror_free,
    };
    files::create_private_dir(&session.state)?;
    logging::install(&session.state, session.verbose);
    let file = SettingsFile::read(&session.state)?;
    let unset = file == SettingsFile::default();
    let effective = Effective::resolve(flags, env::read, file)?;
    let first_start = files::is_there(&session.state.join("identity.key")) == Some(false);
    let ask = first_start && unset && page != Page::Leave && env::read(env::GAMES).is_none();
    if first_start && !ask {
        make_default_games_dir(&effective)?;
    }
    // One thread for all that waits: passing a piece on then costs no wake-up of another core. What
    // blocks or computes has threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let life = Life {
        args,
        page,
        session,
    };
    let outcome = runtime.block_on(life.live(effective, ask));
    runtime.shutdown_timeout(THREADS_TIMEOUT);
    outcome
}

/// Only the default, and only once: a directory that is missing later may be on a disk that is
/// unplugged, and an empty one in its place would look as if all games were removed.
fn make_default_games_dir(effective: &Effective) -> Result<(), Report> {
    if effective.games_dir != crate::dirs::games_default()? {
        return Ok(());
    }
    files::create_dir(&effective.games_dir).map_err(|error| {
        let dir = effective.games_dir.display();
        Report::new(
            "disk",
            format!("cannot create the games directory {dir}: {error}"),
        )
    })
}

/// A name that is mistyped would look for peers nowhere, without a word.
fn check_interface(name: &str) -> Result<(), Report> {
    // Whoever cannot list them does not know better than the person.
    let Ok(known) = doctor::interfaces() else {
        return Ok(());
    };
    if known.iter().any(|interface| interface.name == name) {
        return Ok(());
    }
    let names: Vec<_> = known.into_iter().map(|interface| interface.name).collect();
    let there = names.join(", ");
    let message = format!("no interface {name} has an address; there are: {there}");
    Err(Report::new("no-interface", message))
}

/// What lies in the games directory is shared, and the state is nobody else's.
fn check_apart(games_dir: &Path, state: &Path) -> Result<(), Report> {
    if files::lies_in(games_dir, state) {
        let (games, state) = (games_dir.display(), state.display());
        let message = format!("{games} cannot be the games directory: {state} holds the state");
        return Err(Report::new("bad-config", message));
    }
    Ok(())
}

async fn config(
    args: &NodeArgs,
    effective: &Effective,
    session: &Session,
) -> Result<Config, Report> {
    if let Some(interface) = &args.interface {
        check_interface(interface)?;
    }
    check_apart(&effective.games_dir, &session.state)?;
    let mut connect = Vec::new();
    for text in &args.connect {
        connect.extend(address::resolve(text).await?);
    }
    let program = std::env::current_exe().map_err(|error| {
        Report::new(
            "internal",
            format!("cannot find this program itself: {error}"),
        )
    })?;
    Ok(Config {
        games_dir: effective.games_dir.clone(),
        state_dir: session.state.clone(),
        name: effective.name.clone(),
        listen: args.listen.unwrap_or_default(),
        discovery: match (&args.interface, args.no_mdns) {
            (Some(interface), _) => Discovery::MdnsOn(interface.clone()),
            (None, true) => Discovery::Off,
            (None, false) => Discovery::Mdns,
        },
        connect,
        worker: lanspread_unpack::WorkerCommand::inside(program),
        settings: effective.settings.clone(),
    })
}
