//! [`Profile`]: which programs a game has, and the command lines they become.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use lanspread_proto::{GameId, Hash, RelPath};
use serde::{Deserialize, Serialize};

use super::{
    ARGUMENTS_MAX, SETTINGS_MAX,
    fill::{Place, Template, TemplateError, Values},
    setting::Setting,
};

/// What is hashed before a profile, so that its hash is nothing else's.
const DOMAIN: &str = "lanspread launch profile 1";

/// How a game is started, set up and served. All paths are below `local/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The game itself.
    pub play: Program,
    /// Arguments that follow when somebody is joined.
    pub join: Vec<Template>,
    /// What runs once before the first start.
    pub setup: Option<Setup>,
    /// The server that others can join.
    pub server: Option<Server>,
    /// Texts that are set once.
    pub settings: Vec<Setting>,
}

/// One program on each system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    linux: Option<RelPath>,
    windows: Option<RelPath>,
    macos: Option<RelPath>,
    arguments: Vec<Template>,
    folder: Option<RelPath>,
}

/// What runs once before the first start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// The program.
    pub program: Program,
    /// It needs the rights of an administrator; the system asks for them.
    pub administrator: bool,
}

/// A server that others can join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The program.
    pub program: Program,
    /// Where it listens, if that is known.
    pub port: Option<u16>,
}

/// Why something is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// No system has a program.
    #[error("no program is named for `linux`, `windows` or `macos`")]
    NoProgram,
    /// A batch file would be read by a shell.
    #[error("{0} is a batch file; name the program that it starts")]
    Batch(RelPath),
    /// More than are allowed.
    #[error("more than {max} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// An argument.
    #[error("the argument {text:?}: {reason}")]
    Argument {
        /// As written.
        text: String,
        /// What is wrong with it.
        reason: TemplateError,
    },
}

/// A kind of operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux and its like.
    Linux,
    /// Windows.
    Windows,
    /// macOS.
    MacOs,
}

/// What starts a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// The system.
    System,
    /// Wine or Proton: it is a Windows program and this is not Windows.
    Wine,
}

/// One program with its arguments, ready to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// What starts it.
    pub runner: Runner,
    /// The program, below `local/`.
    pub file: RelPath,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The directory that it starts in, below `local/`; else `local/` itself.
    pub folder: Option<RelPath>,
}

impl Program {
    /// A program that at least one system has. The files are for Linux, Windows and macOS, in this
    /// order.
    ///
    /// # Errors
    /// No file at all, a batch file, or an argument that is none.
    pub fn new(
        [linux, windows, macos]: [Option<RelPath>; 3],
        arguments: &[String],
        folder: Option<RelPath>,
    ) -> Result<Self, ProfileError> {
        if linux.is_none() && windows.is_none() && macos.is_none() {
            return Err(ProfileError::NoProgram);
        }
        if let Some(batch) = windows.iter().find(|file| is_batch(file)) {
            return Err(ProfileError::Batch(batch.clone()));
        }
        Ok(Self {
            linux,
            windows,
            macos,
            arguments: templates(arguments, Place::Argument)?,
            folder,
        })
    }

    /// The program as this system starts it; `None` when it cannot.
    #[must_use]
    pub fn on(&self, system: System, has_wine: bool, values: &Values) -> Option<CommandLine> {
        let own = match system {
            System::Linux => &self.linux,
            System::Windows => &self.windows,
            System::MacOs => &self.macos,
        };
        let (runner, file) = match (own, &self.windows) {
            (Some(file), _) => (Runner::System, file),
            (None, Some(file)) if has_wine => (Runner::Wine, file),
            (None, _) => return None,
        };
        Some(CommandLine {
            runner,
            file: file.clone(),
            arguments: self.arguments.iter().map(|a| a.fill(values)).collect(),
            folder: self.folder.clone(),
        })
    }

    /// This system can start it.
    #[must_use]
    pub const fn is_on(&self, system: System, has_wine: bool) -> bool {
        let own = match system {
            System::Linux => &self.linux,
            System::Windows => &self.windows,
            System::MacOs => &self.macos,
        };
        own.is_some() || (has_wine && self.windows.is_some())
    }

    /// It would run with Wine, and not without.
    #[must_use]
    pub const fn needs_wine(&self, system: System) -> bool {
        match system {
            System::Linux => self.linux.is_none() && self.windows.is_some(),
            System::MacOs => self.macos.is_none() && self.windows.is_some(),
            System::Windows => false,
        }
    }
}

impl Profile {
    /// Checks what is common to all parts.
    ///
    /// # Errors
    /// Too many settings, or an argument of `join` that is none.
    pub fn new(
        play: Program,
        join: &[String],
        setup: Option<Setup>,
        server: Option<Server>,
        settings: Vec<Setting>,
    ) -> Result<Self, ProfileError> {
        if settings.len() > SETTINGS_MAX {
            let (what, max) = ("settings", SETTINGS_MAX);
            return Err(ProfileError::TooMany { what, max });
        }
        Ok(Self {
            play,
            join: templates(join, Place::Join)?,
            setup,
            server,
            settings,
        })
    }

    /// What a person agrees to: the profile of this game, every program and argument of it.
    #[must_use]
    pub fn hash(&self, game: &GameId) -> Hash {
        // Encoding into memory cannot fail.
        Hash::of(&postcard::to_allocvec(&(DOMAIN, game.as_str(), self)).unwrap_or_default())
    }

    /// The game's command line; with a host in the values, that one is joined.
    #[must_use]
    pub fn play_on(&self, system: System, has_wine: bool, values: &Values) -> Option<CommandLine> {
        let mut line = self.play.on(system, has_wine, values)?;
        if values.host.is_some() {
            line.arguments
                .extend(self.join.iter().map(|a| a.fill(values)));
        }
        Some(line)
    }
}

impl Setup {
    /// Tells a set-up that changed from the one that ran.
    #[must_use]
    pub fn hash(&self) -> Hash {
        // Encoding into memory cannot fail.
        Hash::of(&postcard::to_allocvec(&(DOMAIN, "setup", self)).unwrap_or_default())
    }
}

fn templates(texts: &[String], place: Place) -> Result<Vec<Template>, ProfileError> {
    if texts.len() > ARGUMENTS_MAX {
        let (what, max) = ("arguments", ARGUMENTS_MAX);
        return Err(ProfileError::TooMany { what, max });
    }
    let parse = |text: &String| {
        Template::parse(text, place).map_err(|reason| ProfileError::Argument {
            text: text.to_string(),
            reason,
        })
    };
    texts.iter().map(parse).collect()
}

/// Windows gives these to its shell, whose rules for arguments nobody can keep.
fn is_batch(file: &RelPath) -> bool {
    let name = file.fold_key();
    [".bat", ".cmd"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::fill::{Language, PlayerName};

    fn path(text: &str) -> Option<RelPath> {
        Some(RelPath::parse(text).unwrap())
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_string()).collect()
    }

    fn values(host: Option<[u8; 4]>) -> Values {
        Values {
            player: PlayerName::clean("Ann B"),
            language: Language::default(),
            host: host.map(Into::into),
        }
    }

    fn profile() -> Profile {
        let files = [path("bin/game"), path("game.exe"), None];
        let arguments = texts(&["-name", "{player_name}"]);
        let play = Program::new(files, &arguments, path("bin")).unwrap();
        let join = texts(&["+connect", "{host_ip}"]);
        Profile::new(play, &join, None, None, Vec::new()).unwrap()
    }

    #[test]
    fn a_command_line_per_system() {
        let check = |system, has_wine, expected: Option<(Runner, &str)>| {
            let line = profile().play_on(system, has_wine, &values(None));
            let found = line.as_ref().map(|line| (line.runner, line.file.as_str()));
            assert_eq!(found, expected, "{system:?} {has_wine}");
            assert_eq!(profile().play.is_on(system, has_wine), expected.is_some());
        };
        check(System::Linux, false, Some((Runner::System, "bin/game")));
        check(System::Linux, true, Some((Runner::System, "bin/game")));
        check(System::Windows, false, Some((Runner::System, "game.exe")));
        check(System::MacOs, false, None);
        check(System::MacOs, true, Some((Runner::Wine, "game.exe")));
        assert!(profile().play.needs_wine(System::MacOs));
        assert!(!profile().play.needs_wine(System::Linux));
    }

    #[test]
    fn a_value_stays_inside_its_argument() {
        let line = profile()
            .play_on(System::Linux, false, &values(None))
            .unwrap();
        assert_eq!(line.arguments, ["-name", "Ann B"]);
        let line = profile()
            .play_on(System::Linux, false, &values(Some([10, 0, 0, 1])))
            .unwrap();
        assert_eq!(line.arguments, ["-name", "Ann B", "+connect", "10.0.0.1"]);
        assert_eq!(line.folder, path("bin"));
    }

    #[test]
    fn refused() {
        let none = Program::new([None, None, None], &[], None);
        assert_eq!(none, Err(ProfileError::NoProgram));
        for name in ["a.bat", "x/START.CMD"] {
            let batch = Program::new([None, path(name), None], &[], None);
            assert!(matches!(batch, Err(ProfileError::Batch(_))), "{name}");
        }
        let many = texts(&["x"; ARGUMENTS_MAX + 1]);
        let many = Program::new([path("a"), None, None], &many, None);
        assert!(matches!(many, Err(ProfileError::TooMany { .. })));
        let host = Program::new([path("a"), None, None], &texts(&["{host_ip}"]), None);
        assert!(matches!(host, Err(ProfileError::Argument { .. })));
    }

    #[test]
    fn the_hash_knows_every_part_and_the_game() {
        let game = GameId::parse("quake").unwrap();
        let one = profile();
        let same = |other: &Profile| one.hash(&game) == other.hash(&game);
        assert!(same(&profile()));
        assert_ne!(one.hash(&game), one.hash(&GameId::parse("doom").unwrap()));
        let program = Program::new([path("s"), None, None], &[], None).unwrap();
        let setup = Setup {
            program: program.clone(),
            administrator: false,
        };
        let others = [
            Profile {
                join: Vec::new(),
                ..profile()
            },
            Profile {
                play: program.clone(),
                ..profile()
            },
            Profile {
                setup: Some(setup.clone()),
                ..profile()
            },
            Profile {
                setup: Some(Setup {
                    administrator: true,
                    ..setup
                }),
                ..profile()
            },
            Profile {
                server: Some(Server {
                    program: program.clone(),
                    port: None,
                }),
                ..profile()
            },
            Profile {
                server: Some(Server {
                    program,
                    port: Some(1),
                }),
                ..profile()
            },
        ];
        for other in &others {
            assert!(!same(other), "{other:?}");
        }
    }
}
