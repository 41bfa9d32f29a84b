//! `[play]` in a `lanspread.toml` or a catalog, as people write it.

use lanspread_install::launch::{
    Change, Profile, ProfileError, Program, Server, Setting, Setup, TemplateError,
};
use lanspread_proto::{RelPath, rel_path::PathError};
use serde::Deserialize;

/// Why `[play]` is no profile.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// A path.
    #[error("play: {path:?}: {reason}")]
    Path {
        /// As written.
        path: String,
        /// What is wrong with it.
        reason: PathError,
    },
    /// A program, an argument, or too many of them.
    #[error("play: {0}")]
    Profile(#[from] ProfileError),
    /// A text that is to be set.
    #[error("play: the setting in {file}: {reason}")]
    Setting {
        /// In which file.
        file: RelPath,
        /// What is wrong with it.
        reason: TemplateError,
    },
    /// A setting says neither or both of what it can say.
    #[error("play: the setting in {0} has either `text`, or `begins` and `line`")]
    SettingForm(RelPath),
}

/// `[play]`; keys that later versions know are skipped.
#[derive(Debug, Deserialize)]
pub struct WrittenProfile {
    linux: Option<String>,
    windows: Option<String>,
    macos: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
    folder: Option<String>,
    #[serde(default)]
    join: Vec<String>,
    setup: Option<WrittenSetup>,
    server: Option<WrittenServer>,
    #[serde(default)]
    settings: Vec<WrittenSetting>,
}

#[derive(Debug, Deserialize)]
struct WrittenSetup {
    linux: Option<String>,
    windows: Option<String>,
    macos: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
    folder: Option<String>,
    #[serde(default)]
    administrator: bool,
}

#[derive(Debug, Deserialize)]
struct WrittenServer {
    linux: Option<String>,
    windows: Option<String>,
    macos: Option<String>,
    #[serde(default)]
    arguments: Vec<String>,
    folder: Option<String>,
    port: Option<u16>,
}

#[derive(Debug, Deserialize)]
struct WrittenSetting {
    file: String,
    text: Option<String>,
    begins: Option<String>,
    line: Option<String>,
}

impl WrittenProfile {
    /// What it means.
    ///
    /// # Errors
    /// The first part that means nothing.
    pub fn parse(self) -> Result<Profile, LaunchError> {
        let setup = self.setup.map(|setup| {
            let files = [setup.linux, setup.windows, setup.macos];
            let program = program(files, &setup.arguments, setup.folder)?;
            let administrator = setup.administrator;
            Ok::<_, LaunchError>(Setup {
                program,
                administrator,
            })
        });
        let server = self.server.map(|server| {
            let files = [server.linux, server.windows, server.macos];
            let program = program(files, &server.arguments, server.folder)?;
            let port = server.port.filter(|port| *port != 0);
            Ok::<_, LaunchError>(Server { program, port })
        });
        let settings = self.settings.into_iter().map(WrittenSetting::parse);
        let settings = settings.collect::<Result<_, _>>()?;
        let (setup, server) = (setup.transpose()?, server.transpose()?);
        let files = [self.linux, self.windows, self.macos];
        let play = program(files, &self.arguments, self.folder)?;
        Ok(Profile::new(play, &self.join, setup, server, settings)?)
    }
}

fn program(
    files: [Option<String>; 3],
    arguments: &[String],
    folder: Option<String>,
) -> Result<Program, LaunchError> {
    let [linux, windows, macos] = files.map(|file| file.map(parse_path).transpose());
    let folder = folder.map(parse_path).transpose()?;
    Ok(Program::new([linux?, windows?, macos?], arguments, folder)?)
}

impl WrittenSetting {
    fn parse(self) -> Result<Setting, LaunchError> {
        let file = parse_path(self.file)?;
        let change = match (self.text, self.begins, self.line) {
            (Some(text), None, None) => Change::whole(&text),
            (None, Some(begins), Some(line)) => Change::line(&begins, &line),
            _ => return Err(LaunchError::SettingForm(file)),
        };
        match change {
            Ok(change) => Ok(Setting { file, change }),
            Err(reason) => Err(LaunchError::Setting { file, reason }),
        }
    }
}

fn parse_path(path: String) -> Result<RelPath, LaunchError> {
    RelPath::parse(&path).map_err(|reason| LaunchError::Path { path, reason })
}

#[cfg(test)]
mod tests {
    use lanspread_install::launch::{Language, PlayerName, System, Values};
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<Profile, String> {
        let written: WrittenProfile = toml::from_str(text).map_err(|e| e.to_string())?;
        written.parse().map_err(|e| e.to_string())
    }

    #[test]
    fn everything() {
        let profile = parse(
            "linux = 'bin/oa'\nwindows = 'oa.exe'\narguments = ['+name', '{player_name}']\n\
             join = ['+connect', '{host_ip}']\nfolder = 'base'\nfuture = 1\n\
             [setup]\nwindows = 'redist.exe'\nadministrator = true\n\
             [server]\nlinux = 'ded'\nport = 27960\n\
             [[settings]]\nfile = 'base/a.cfg'\ntext = 'x'\n\
             [[settings]]\nfile = 'base/b.ini'\nbegins = 'name='\nline = 'name={player_name}'\n",
        )
        .unwrap();
        assert_eq!(profile.join.len(), 1 + 1);
        assert!(profile.setup.unwrap().administrator);
        assert_eq!(profile.server.unwrap().port, Some(27_960));
        assert_eq!(profile.settings.len(), 2);
    }

    proptest! {
        /// Whatever a stranger wrote: it means something or is refused, and what it means stays in
        /// `local/` and is as many arguments as were written.
        #[test]
        fn any_profile(
            path in "[a-z./\\\\: ]{0,12}",
            arguments in proptest::collection::vec("[a-z{}_ \"'$;|&-]{0,24}", 0..70),
            name in "\\PC{0,40}",
        ) {
            let list = toml::Value::from(arguments.clone()).to_string();
            let path = toml::Value::from(path).to_string();
            let Ok(profile) = parse(&format!("linux = {path}\narguments = {list}\n")) else {
                return Ok(());
            };
            let values = Values {
                player: PlayerName::clean(&name),
                language: Language::default(),
                host: None,
            };
            let line = profile.play_on(System::Linux, false, &values).unwrap();
            prop_assert_eq!(line.arguments.len(), arguments.len());
            prop_assert!(!line.file.as_str().starts_with('/'));
            prop_assert!(line.file.components().all(|part| part != ".."));
            for (filled, written) in line.arguments.iter().zip(&arguments) {
                let is_filled = !filled.contains("{player_name}");
                prop_assert!(is_filled);
                let is_plain = !written.contains('{');
                prop_assert!(!is_plain || filled == written);
            }
        }
    }

    #[test]
    fn refused_with_the_reason() {
        let check = |text: &str, reason: &str| {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        };
        check("", "no program");
        check("linux = '../x'", "\"../x\"");
        check("linux = '/bin/sh'", "\"/bin/sh\"");
        check("windows = 'start.bat'", "batch");
        check("linux = 'a'\nfolder = '..'", "\"..\"");
        check("linux = 'a'\narguments = ['{host_ip}']", "`join`");
        check("linux = 'a'\narguments = ['{nobody}']", "`{nobody}`");
        check("linux = 'a'\narguments = 'x y'", "arguments");
        check("linux = 'a'\n[setup]\nadministrator = true", "no program");
        check("linux = 'a'\n[server]\nlinux = 'b'\nport = 70000", "port");
        check("linux = 'a'\n[[settings]]\nfile = 'x'", "either `text`");
        let both = "linux = 'a'\n[[settings]]\nfile = 'x'\ntext = ''\nbegins = ''\nline = ''";
        check(both, "either `text`");
        check(
            "linux = 'a'\n[[settings]]\nfile = 'C:/x'\ntext = ''",
            "C:/x",
        );
    }
}
