//! `settings`: what is remembered over restarts.

use lanspread_api::{
    Command, HostName, Report, SettingsChange, Snapshot,
    host_name::HostNameError,
    types::{command::RateLimit, reply::Reply},
};
use lanspread_node::config::{MirrorSettings, Settings};
use lanspread_proto::text::PeerName;

use crate::{
    env, files,
    output::Tone,
    rate::Rate,
    report::Outcome,
    session::Session,
    settings::{Downloads, Effective, Flags, SettingsFile, Switch},
    size::{Amount, Quota},
};

/// Show or change the settings, which are remembered over restarts
///
/// They take effect at once when a node is running, else at its next start. A flag or a variable of
/// the environment (LANSPREAD_NAME, ...) goes before a setting.
#[derive(Debug, clap::Args)]
pub(crate) struct SettingsArgs {
    /// Which setting
    key: Option<Key>,
    /// Its new value
    value: Option<String>,
    /// With games_dir: move the games along
    #[arg(long = "move", requires = "value")]
    moved: bool,
}

/// The names of the settings
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
enum Key {
    /// The name other people see
    Name,
    /// Where the games are
    GamesDir,
    /// Most that is sent: 10MB/s, 100mbit, off
    Up,
    /// Most that is received
    Down,
    /// Downloads that run at once, 1 to 16
    Downloads,
    /// Whether games are shared: on or off
    Share,
    /// What starts Windows programs: the path of Wine or of Proton's script, or off
    Wine,
    /// Whether the newest version of every game that somebody shares is kept: on or off
    Mirror,
    /// How much is kept so at most: 500GB, or off
    MirrorQuota,
    /// How much stays free: 10GB
    MirrorFree,
    /// Names that pages may use for this machine, with commas between them, or off
    HttpNames,
    /// Whether everybody may look at the page without pairing: on or off
    HttpView,
}

const KEYS: [Key; 12] = [
    Key::Name,
    Key::GamesDir,
    Key::Up,
    Key::Down,
    Key::Downloads,
    Key::Share,
    Key::Wine,
    Key::Mirror,
    Key::MirrorQuota,
    Key::MirrorFree,
    Key::HttpNames,
    Key::HttpView,
];

impl Key {
    const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::GamesDir => "games_dir",
            Self::Up => "up",
            Self::Down => "down",
            Self::Downloads => "downloads",
            Self::Share => "share",
            Self::Wine => "wine",
            Self::Mirror => "mirror",
            Self::MirrorQuota => "mirror_quota",
            Self::MirrorFree => "mirror_free",
            Self::HttpNames => "http_names",
            Self::HttpView => "http_view",
        }
    }

    /// What is set now; what only a start reads is what the file says.
    fn value(self, effective: &Effective, file: &SettingsFile) -> String {
        let settings = &effective.settings;
        match self {
            Self::Name => effective.name.to_string(),
            Self::GamesDir => effective.games_dir.display().to_string(),
            Self::Up => Rate(settings.up_rate_max).to_string(),
            Self::Down => Rate(settings.down_rate_max).to_string(),
            Self::Downloads => settings.downloads_max.to_string(),
            Self::Share => switch(settings.share).to_owned(),
            Self::Wine => match &settings.wine {
                Some(path) => path.display().to_string(),
                None => "off".to_owned(),
            },
            Self::Mirror => switch(settings.mirror.on).to_owned(),
            Self::MirrorQuota => Quota(settings.mirror.quota_bytes).to_string(),
            Self::MirrorFree => Amount(settings.mirror.free_min_bytes).to_string(),
            Self::HttpNames => match file.http_names.as_deref() {
                Some([]) | None => "off".to_owned(),
                Some(names) => {
                    let names: Vec<_> = names.iter().map(HostName::as_str).collect();
                    names.join(",")
                }
            },
            Self::HttpView => switch(file.http_view.unwrap_or_default()).to_owned(),
        }
    }
}

const fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

pub(crate) fn run(args: &SettingsArgs, session: &Session) -> Outcome {
    match (args.key, &args.value) {
        (Some(key), Some(value)) => change(key, &Change::parse(key, value, args.moved)?, session),
        (Some(key), None) => show(&[key], session),
        (None, _) => show(&KEYS, session),
    }
}

fn show(keys: &[Key], session: &Session) -> Outcome {
    let file = SettingsFile::read(&session.state)?;
    let effective = match session.client_if_running()? {
        Some((_, snapshot)) => running(&snapshot),
        None => Effective::resolve(Flags::default(), env::read, file.clone())?,
    };
    let value = |key: Key| key.value(&effective, &file);
    if session.out.is_json() {
        let pairs = keys.iter().map(|key| (key.name(), value(*key)));
        return Ok(session
            .out
            .json(&pairs.collect::<std::collections::BTreeMap<_, _>>())?);
    }
    if let [only] = keys {
        return Ok(session.out.line(value(*only))?);
    }
    for key in keys {
        let name = session
            .out
            .paint(Tone::Strong, &format!("{:<12}", key.name()));
        session.out.line(format!("{name} {}", value(*key)))?;
    }
    Ok(())
}

/// What a running node has now.
pub(crate) fn running(snapshot: &Snapshot) -> Effective {
    let settings = &snapshot.settings;
    Effective {
        name: PeerName::clean(&snapshot.me.name),
        games_dir: snapshot.me.games_dir.clone().into(),
        settings: Settings {
            share: settings.share,
            up_rate_max: settings.up_rate_max,
            down_rate_max: settings.down_rate_max,
            downloads_max: settings.downloads_max,
            wine: settings.wine.clone().map(Into::into),
            mirror: MirrorSettings {
                on: settings.mirror,
                quota_bytes: settings.mirror_quota,
                free_min_bytes: settings.mirror_free,
            },
        },
    }
}

/// A change that has been understood: what a running node is told, and what the file gets else.
struct Change {
    /// Nothing for what only a start reads.
    command: Option<Command>,
    apply: Box<dyn Fn(&mut SettingsFile)>,
}

impl Change {
    fn parse(key: Key, value: &str, moved: bool) -> Result<Self, Report> {
        let own = value.to_owned();
        Ok(match key {
            Key::Name => {
                let name = PeerName::clean(value).to_string();
                if name.is_empty() {
                    return Err(bad(key, &"a name has at least one letter"));
                }
                let command = Command::SetName { name: name.clone() };
                Self::new(command, move |file| file.name = Some(name.clone()))
            }
            Key::GamesDir => {
                let dir = files::existing_dir(value.as_ref())?;
                let folder = dir.display().to_string();
                let command = Command::SetGamesDir { folder, moved };
                Self::new(command, move |file| file.games_dir = Some(dir.clone()))
            }
            Key::Up => {
                let rate: Rate = value.parse().map_err(|error| bad(key, &error))?;
                let up_rate_max = Some(RateLimit::from(rate));
                let change = SettingsChange {
                    up_rate_max,
                    ..SettingsChange::default()
                };
                Self::set(change, move |file| file.up = Some(own.clone()))
            }
            Key::Down => {
                let rate: Rate = value.parse().map_err(|error| bad(key, &error))?;
                let down_rate_max = Some(RateLimit::from(rate));
                let change = SettingsChange {
                    down_rate_max,
                    ..SettingsChange::default()
                };
                Self::set(change, move |file| file.down = Some(own.clone()))
            }
            Key::Downloads => {
                let Downloads(max) = value.parse().map_err(|error| bad(key, &error))?;
                let downloads_max = Some(max);
                let change = SettingsChange {
                    downloads_max,
                    ..SettingsChange::default()
                };
                Self::set(change, move |file| file.downloads = downloads_max)
            }
            Key::Share => {
                let Switch(on) = value.parse().map_err(|error| bad(key, &error))?;
                let change = SettingsChange {
                    share: Some(on),
                    ..SettingsChange::default()
                };
                Self::set(change, move |file| file.share = Some(on))
            }
            Key::Wine => {
                let path = (value != "off").then(|| std::path::PathBuf::from(value));
                if path.as_ref().is_some_and(|path| !path.is_absolute()) {
                    return Err(bad(key, &"an absolute path, or `off`"));
                }
                let program = path.as_ref().map(|path| path.display().to_string());
                let command = Command::SetWine { program };
                Self::new(command, move |file| file.wine.clone_from(&path))
            }
            Key::Mirror | Key::MirrorQuota | Key::MirrorFree => Self::of_mirror(key, value)?,
            Key::HttpNames => {
                let names = host_names(value).map_err(|error| bad(key, &error))?;
                Self::at_the_next_start(move |file| file.http_names = Some(names.clone()))
            }
            Key::HttpView => {
                let Switch(on) = value.parse().map_err(|error| bad(key, &error))?;
                Self::at_the_next_start(move |file| file.http_view = Some(on))
            }
        })
    }

    /// What is kept of others' games.
    fn of_mirror(key: Key, value: &str) -> Result<Self, Report> {
        let own = value.to_owned();
        let mut change = SettingsChange::default();
        Ok(match key {
            Key::MirrorQuota => {
                let Quota(quota) = value.parse().map_err(|error| bad(key, &error))?;
                change.mirror_quota = Some(quota.into());
                Self::set(change, move |file| file.mirror_quota = Some(own.clone()))
            }
            Key::MirrorFree => {
                let Amount(free) = value.parse().map_err(|error| bad(key, &error))?;
                change.mirror_free = Some(free);
                Self::set(change, move |file| file.mirror_free = Some(own.clone()))
            }
            Key::Mirror
            | Key::Name
            | Key::GamesDir
            | Key::Up
            | Key::Down
            | Key::Downloads
            | Key::Share
            | Key::Wine
            | Key::HttpNames
            | Key::HttpView => {
                let Switch(on) = value.parse().map_err(|error| bad(key, &error))?;
                change.mirror = Some(on);
                Self::set(change, move |file| file.mirror = Some(on))
            }
        })
    }

    fn new(command: Command, apply: impl Fn(&mut SettingsFile) + 'static) -> Self {
        Self {
            command: Some(command),
            apply: Box::new(apply),
        }
    }

    fn at_the_next_start(apply: impl Fn(&mut SettingsFile) + 'static) -> Self {
        Self {
            command: None,
            apply: Box::new(apply),
        }
    }

    fn set(change: SettingsChange, apply: impl Fn(&mut SettingsFile) + 'static) -> Self {
        Self::new(Command::SetSettings(change), apply)
    }
}

/// Names with commas between them.
fn host_names(text: &str) -> Result<Vec<HostName>, HostNameError> {
    let text = if text == "off" { "" } else { text };
    let names = text.split(',').map(str::trim);
    let names = names.filter(|name| !name.is_empty()).map(str::parse);
    HostName::check_count(names.collect::<Result<_, _>>()?)
}

fn bad(key: Key, error: &dyn std::fmt::Display) -> Report {
    Report::new("bad-value", format!("{}: {error}", key.name()))
}

/// A running node takes the change and writes the file itself; without one, and for what only a
/// start reads, it is written here.
fn change(key: Key, change: &Change, session: &Session) -> Outcome {
    let running = session.client_if_running()?;
    let runs = running.is_some();
    let reply = match (running, &change.command) {
        (Some((client, _)), Some(command)) => client.call(command)?,
        (Some(_), None) | (None, _) => {
            files::create_private_dir(&session.state)?;
            let mut file = SettingsFile::read(&session.state)?;
            (change.apply)(&mut file);
            file.write(&session.state)?;
            Reply::Done
        }
    };
    let when = match change.command {
        None if runs => ", from the next start on",
        Some(_) | None => "",
    };
    session.confirm(&reply, &format!("{}: changed{when}", key.name()))
}
