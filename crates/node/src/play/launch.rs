//! [`Launch`]: one start from its first file to the end of the program.

use std::{io, process::Stdio, sync::Arc, time::Duration};

use lanspread_disk::{
    Disk, DiskError, atomic_file,
    intent_file::{self, RecordSlot, StateFileError},
    launch::{
        Installation, apply_settings, load_setup_done, mark_executable, save_consents,
        save_setup_done,
    },
    vfs::EntryKind,
};
use lanspread_install::{
    InstallRecord,
    launch::{Consents, Runner, Setup, SetupDone},
};
use tokio::{
    process::{Child, Command},
    time::Instant,
};

use super::{
    CommandView, Msg, PlayError, PlayPlan, PlayPorts, PlayReply, Role, Started, answer,
    case::{Case, Ready},
};
use crate::{error::OperationError, snapshot::Problem, views::ProgramState};

/// A program that ends without success this soon has not really started.
const PROMPT: Duration = Duration::from_secs(5);
/// What Windows says of a program that needs an administrator.
const ELEVATION_REQUIRED: i32 = 740;
/// How `pkexec` ends when nobody agreed, or nobody could be asked.
const NOT_ELEVATED: [i32; 2] = [126, 127];

/// What a start would do; blocks.
pub(super) fn plan(disk: &dyn Disk, case: &Case, trusted: bool) -> Result<PlayPlan, PlayError> {
    let command = case.command();
    check_there(disk, case, &command)?;
    let setup = setup_to_run(disk, case).map(|(_, ready)| ready.view);
    let settings = case.profile.settings.iter();
    let mut settings: Vec<String> = settings.map(|s| s.file.to_string()).collect();
    settings.dedup();
    Ok(PlayPlan {
        hash: case.hash,
        trusted,
        source: case.source,
        command: command.view,
        setup,
        server: case.server().map(|ready| ready.view),
        settings,
    })
}

/// See the module.
pub(super) struct Launch {
    ports: PlayPorts,
    case: Case,
    /// What a person agreed to, with this profile, if that is new.
    agreed: Option<Consents>,
    reply: Option<PlayReply<Started>>,
}

impl Launch {
    pub(super) const fn new(
        ports: PlayPorts,
        case: Case,
        agreed: Option<Consents>,
        reply: PlayReply<Started>,
    ) -> Self {
        Self {
            ports,
            case,
            agreed,
            reply: Some(reply),
        }
    }

    /// Runs until the program has ended; what went wrong is told to whoever asked, and stays.
    pub(super) async fn carry_out(mut self) -> Option<Problem> {
        let started = Instant::now();
        match self.start().await {
            Ok(child) => self.wait(child, started).await,
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "not started");
                let problem = self.problem(error.code(), error.to_string());
                match self.reply.take() {
                    Some(reply) => {
                        answer(reply, Err(error));
                        None
                    }
                    None => Some(problem),
                }
            }
        }
    }

    async fn start(&mut self) -> Result<Child, PlayError> {
        let (disk, state) = (Arc::clone(&self.ports.disk), self.ports.state.place());
        let (case, agreed) = (self.case.clone(), self.agreed.take());
        let prepare = move || {
            if let Some(agreed) = agreed {
                save_consents(disk.as_ref(), &state, &agreed).map_err(OperationError::from)?;
            }
            prepare(disk.as_ref(), &case)
        };
        if let Some((setup, ready)) = self.ports.blocking(prepare).await?? {
            self.tell(Started::SettingUp);
            self.enter(ProgramState::SettingUp).await;
            self.set_up(&setup, &ready).await?;
        }
        let command = self.case.command();
        let child = spawn(&command).map_err(|error| not_started(&command, &error))?;
        tracing::info!(pid = child.id(), "started");
        self.enter(self.running()).await;
        self.tell(Started::Running);
        Ok(child)
    }

    /// A set-up that fails or is refused changes nothing else: the game stays as it is.
    async fn set_up(&self, setup: &Setup, ready: &Ready) -> Result<(), PlayError> {
        let game = self.case.game.clone();
        let refused = |reason: String| PlayError::SetupRefused {
            game: game.clone(),
            reason,
        };
        let needs = "start it by hand, or start LanSpread as an administrator";
        let mut child = spawn(ready).map_err(|error| {
            let program = ready.view.program.display();
            match error.raw_os_error() {
                Some(ELEVATION_REQUIRED) if cfg!(windows) => refused(format!("{program}: {needs}")),
                _ if setup.administrator => refused(format!("{program}: {error}")),
                _ => not_started(ready, &error),
            }
        })?;
        let ended = child.wait().await.map_err(|error| PlayError::SetupFailed {
            game: game.clone(),
            reason: error.to_string(),
        })?;
        match ended.code() {
            Some(0) => {}
            Some(code) if setup.administrator && NOT_ELEVATED.contains(&code) => {
                return Err(refused("nobody agreed".to_owned()));
            }
            Some(_) | None => {
                let reason = ended.to_string();
                return Err(PlayError::SetupFailed { game, reason });
            }
        }
        let done = SetupDone {
            profile: self.case.hash,
            setup: setup.hash(),
        };
        let (disk, place) = (Arc::clone(&self.ports.disk), self.case.game_state.clone());
        let save = move || save_setup_done(disk.as_ref(), &place, done);
        Ok(self
            .ports
            .blocking(save)
            .await?
            .map_err(OperationError::from)?)
    }

    async fn wait(&self, mut child: Child, started: Instant) -> Option<Problem> {
        match child.wait().await {
            Ok(status) => {
                tracing::info!(%status, "ended");
                let failed = !status.success() && started.elapsed() < PROMPT;
                failed.then(|| {
                    let program = self.case.command().view.program;
                    let message = format!("{} ended at once: {status}", program.display());
                    self.problem("program-ended", message)
                })
            }
            Err(error) => {
                tracing::warn!(%error, "the end of a program is not known");
                None
            }
        }
    }

    fn running(&self) -> ProgramState {
        let server = self.case.profile.server.as_ref();
        match self.case.role {
            Role::Game => ProgramState::Running,
            Role::Server => ProgramState::Serving(server.and_then(|server| server.port)),
        }
    }

    fn tell(&mut self, started: Started) {
        if let Some(reply) = self.reply.take() {
            answer(reply, Ok(started));
        }
    }

    async fn enter(&self, state: ProgramState) {
        let said = Msg::State(self.case.game.clone(), self.case.role, state);
        self.ports.mailbox.send(said).await;
    }

    fn problem(&self, code: &'static str, message: String) -> Problem {
        Problem {
            code,
            subject: self.case.game.to_string(),
            message,
        }
    }
}

/// Sets texts and rights; the answer is the set-up that must run first. Blocks.
fn prepare(disk: &dyn Disk, case: &Case) -> Result<Option<(Setup, Ready)>, PlayError> {
    let command = case.command();
    check_there(disk, case, &command)?;
    let record = record_of(disk, case)?;
    let installation = Installation {
        local: &case.local,
        game_state: &case.game_state,
        record: &record,
    };
    let setup = setup_to_run(disk, case);
    if let Some((_, setup)) = &setup {
        check_there(disk, case, setup)?;
    }
    let prepared = || -> Result<(), DiskError> {
        let programs = [Some(&command), setup.as_ref().map(|(_, ready)| ready)];
        for ready in programs.into_iter().flatten() {
            if ready.line.runner == Runner::System {
                mark_executable(disk, installation, &ready.line.file)?;
            }
            if !ready.environment.is_empty() {
                atomic_file::ensure_dir(disk, &case.game_state.own("proton"))?;
            }
        }
        let report = apply_settings(disk, installation, &case.profile.settings, &case.values)?;
        for file in &report.left {
            tracing::info!(%file, "what the user has there stays");
        }
        Ok(())
    };
    prepared().map_err(OperationError::from)?;
    Ok(setup)
}

/// The set-up, unless this very one has run.
fn setup_to_run(disk: &dyn Disk, case: &Case) -> Option<(Setup, Ready)> {
    let (setup, ready) = case.setup()?;
    let done = load_setup_done(disk, &case.game_state);
    let has_run = done.is_some_and(|done| done.setup == setup.hash());
    (!has_run).then_some((setup, ready))
}

/// No link is followed: what is started lies in the installed game.
fn check_there(disk: &dyn Disk, case: &Case, ready: &Ready) -> Result<(), PlayError> {
    let file = case.local.join(&ready.line.file);
    let folder = ready.line.folder.as_ref();
    let folder = folder.map_or_else(|| case.local.clone(), |folder| case.local.join(folder));
    for (place, kind) in [(file, EntryKind::File), (folder, EntryKind::Directory)] {
        let stat = disk.stat(&place).map_err(OperationError::from)?;
        if stat.map(|stat| stat.kind) != Some(kind) {
            return Err(PlayError::ProgramMissing(place.path()));
        }
    }
    Ok(())
}

fn record_of(disk: &dyn Disk, case: &Case) -> Result<InstallRecord, OperationError> {
    let read = intent_file::read_record(disk, &case.game_state, RecordSlot::Current);
    match read {
        Ok(Some(record)) => Ok(record),
        Ok(None) => Err(OperationError::NotInstalled(case.game.clone())),
        Err(StateFileError::Disk(error)) => Err(error.into()),
        Err(StateFileError::Unreadable { place, reason }) => Err(OperationError::Record {
            path: place.path(),
            reason: reason.to_string(),
        }),
    }
}

/// Starts a program: arguments as they are, nothing to read, a process group of its own.
fn spawn(ready: &Ready) -> io::Result<Child> {
    let CommandView {
        program,
        arguments,
        folder,
    } = &ready.view;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for (name, value) in &ready.environment {
        command.env(name, value);
    }
    apart(&mut command);
    command.spawn()
}

fn not_started(ready: &Ready, error: &io::Error) -> PlayError {
    PlayError::Start {
        program: ready.view.program.clone(),
        reason: error.to_string(),
    }
}

/// What ends this node, from a terminal too, does not end the game.
fn apart(command: &mut Command) {
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(windows)]
    command.creation_flags(0x0000_0200);
    #[cfg(not(any(unix, windows)))]
    let _whatever_it_does = command;
}
