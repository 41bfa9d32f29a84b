//! The downloads that outlive the node: kept in the state directory, taken up at the next start.
//!
//! One line each: kind, content, what follows, version, game, and whether it is paused. A list with
//! a line that does not parse is put aside, and said; what parses is taken up.

use std::{io::ErrorKind, sync::Arc};

use lanspread_disk::{Disk, DiskError, Place, atomic_file};
use lanspread_proto::{ContentId, GameId, VersionLabel};

use super::{Games, operation::Operation};
use crate::{
    handle::{AfterDownload, GetRequest},
    snapshot::{OperationKind, Phase, Problem},
};

/// The file's name.
pub(super) const NAME: &str = "downloads";
/// Far more than anybody queues.
const BYTES_MAX: u64 = 4 * 1_024 * 1_024;
/// Lists put aside, at most.
const ASIDE_MAX: u32 = 100;

/// One download as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Saved {
    kind: OperationKind,
    content: ContentId,
    then: AfterDownload,
    version: VersionLabel,
    game: GameId,
    paused: bool,
}

impl Games {
    /// Writes down which downloads run and wait, running ones first.
    pub(super) fn save(&self) {
        let running = self.operations.iter().filter(|(_, o)| o.control.is_some());
        let waiting = self
            .queue
            .iter()
            .filter_map(|game| self.operations.get_key_value(game))
            .filter(|(_, o)| o.control.is_none());
        let text: String = running
            .chain(waiting)
            .filter_map(|(g, o)| line(g, o))
            .collect();
        self.saves.write(text);
    }

    /// Queues what ran and waited when the node stopped. Their sources may come later.
    pub(super) async fn take_up_saved(&mut self) {
        let (disk, place) = (Arc::clone(&self.ports.disk), self.ports.state.place());
        let read = move || load(disk.as_ref(), &place);
        let Ok((saved, problem)) = self.ports.blocking(read).await else {
            return;
        };
        let is_aside = problem.is_some();
        self.problems.extend(problem);
        for saved in saved {
            let Saved {
                kind,
                content,
                then,
                version,
                game,
                paused,
            } = saved;
            let phase = if paused { Phase::Paused } else { Phase::Queued };
            let mut operation = Operation::new(kind, phase);
            operation.content = Some((content, version));
            let content = Some(content);
            operation.request = Some(GetRequest {
                game: game.clone(),
                content,
                then,
                from: None,
            });
            self.begin(game.clone(), operation);
            self.queue.push_back(game);
        }
        if is_aside {
            self.save();
        }
    }
}

/// What was saved. A file of which a line means nothing is put aside, so that nothing is lost.
fn load(disk: &dyn Disk, state: &Place) -> (Vec<Saved>, Option<Problem>) {
    let place = state.own(NAME);
    let bytes = match atomic_file::read(disk, &place, BYTES_MAX) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(error) if error.source.kind() == ErrorKind::InvalidData => {
            return (Vec::new(), Some(put_aside(disk, state, "it is too large")));
        }
        Err(error) => {
            tracing::warn!(%error, "the saved queue of downloads cannot be read");
            let problem = unreadable(&place, error.to_string());
            return (Vec::new(), Some(problem));
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let saved: Vec<Saved> = text.lines().filter_map(parse).collect();
    let lost = text.lines().count() - saved.len();
    let problem = (lost > 0).then(|| {
        let why = format!("{lost} of its lines cannot be understood");
        put_aside(disk, state, &why)
    });
    (saved, problem)
}

/// The contents of the saved downloads; `None` when not all of them can be understood.
///
/// # Errors
/// They cannot be read.
pub(crate) fn contents(
    disk: &dyn Disk,
    state: &Place,
) -> Result<Option<Vec<ContentId>>, DiskError> {
    let bytes = atomic_file::read(disk, &state.own(NAME), BYTES_MAX)?;
    let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
    let content = |line| parse(line).map(|saved: Saved| saved.content);
    Ok(text.lines().map(content).collect())
}

fn put_aside(disk: &dyn Disk, state: &Place, why: &str) -> Problem {
    let place = state.own(NAME);
    let names = (1..=ASIDE_MAX).map(|number| format!("{NAME}.unreadable-{number}"));
    let mut free = names.filter(|name| matches!(disk.stat(&state.listed(name)), Ok(None)));
    let moved = free.next().map(|name| {
        let aside = state.listed(&name);
        disk.rename(&place, &aside).map(|()| aside)
    });
    let message = match moved {
        Some(Ok(aside)) => format!("{why}: it lies in {aside} now; ask for those games again"),
        Some(Err(error)) => format!("{why}, and it cannot be put aside: {error}"),
        None => format!("{why}; {ASIDE_MAX} others were put aside before"),
    };
    tracing::warn!("{place}: {message}");
    unreadable(&place, message)
}

fn unreadable(place: &Place, message: String) -> Problem {
    Problem {
        code: "queue-unreadable",
        subject: place.to_string(),
        message,
    }
}

fn line(game: &GameId, operation: &Operation) -> Option<String> {
    let request = operation.request.as_ref().filter(|_| operation.is_open())?;
    let (content, version) = operation.content.as_ref()?;
    let kind = if operation.kind == OperationKind::Update {
        "update"
    } else {
        "get"
    };
    let then = match request.then {
        AfterDownload::Install => "install",
        AfterDownload::InstallLowDisk => "low-disk",
        AfterDownload::Keep => "keep",
    };
    let paused = if operation.is_paused() {
        "\tpaused"
    } else {
        ""
    };
    // Neither a game id nor a label can hold a tab or an end of line.
    Some(format!(
        "{kind}\t{content}\t{then}\t{version}\t{game}{paused}\n"
    ))
}

fn parse(line: &str) -> Option<Saved> {
    let mut fields = line.split('\t');
    let mut next = || fields.next();
    let kind = match next()? {
        "update" => OperationKind::Update,
        "get" => OperationKind::Download,
        _ => return None,
    };
    let content = next()?.parse().ok()?;
    let then = match next()? {
        "install" => AfterDownload::Install,
        "low-disk" => AfterDownload::InstallLowDisk,
        "keep" => AfterDownload::Keep,
        _ => return None,
    };
    let version = VersionLabel::parse(next()?).ok()?;
    let game = GameId::parse(next()?).ok()?;
    let paused = match next() {
        None => false,
        Some("paused") => true,
        Some(_) => return None,
    };
    Some(Saved {
        kind,
        content,
        then,
        version,
        game,
        paused,
    })
}

#[cfg(test)]
mod tests {
    use lanspread_disk::RealDisk;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test prepares files by hand")]
    fn a_list_with_nonsense_is_put_aside() {
        let good = format!("get\t{}\tkeep\t1\tquake\n", ContentId::from_bytes([7; 32]));
        let disk = RealDisk::new();
        for (bytes, saved) in [
            (b"\xff\xfe\0garbage".to_vec(), 0),
            ([good.as_bytes(), b"\n\x01x\n"].concat(), 1),
            (vec![b'x'; usize::try_from(BYTES_MAX).unwrap() + 1], 0),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let state = Place::root(dir.path());
            std::fs::write(dir.path().join(NAME), &bytes).unwrap();
            let (found, problem) = load(&disk, &state);
            assert_eq!(found.len(), saved);
            let problem = problem.unwrap();
            assert_eq!(problem.code, "queue-unreadable");
            assert!(
                problem.message.contains("downloads.unreadable-1"),
                "{problem:?}"
            );
            let aside = dir.path().join("downloads.unreadable-1");
            assert!(std::fs::read(aside).unwrap() == bytes);
            assert_eq!(load(&disk, &state), (Vec::new(), None));
        }
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(NAME), good).unwrap();
        let (found, problem) = load(&disk, &Place::root(dir.path()));
        assert_eq!((found.len(), problem), (1, None));
    }

    #[test]
    fn a_saved_download_comes_back_and_nonsense_does_not() {
        let game = GameId::parse("quake iii").unwrap();
        let version = VersionLabel::parse("1.32 beta").unwrap();
        let content = ContentId::from_bytes([7; 32]);
        let mut operation = Operation::new(OperationKind::Update, Phase::Downloading);
        operation.content = Some((content, version.clone()));
        let then = AfterDownload::Keep;
        operation.request = Some(GetRequest {
            game: game.clone(),
            content: None,
            then,
            from: None,
        });
        let text = line(&game, &operation).unwrap();
        let expected = Saved {
            kind: OperationKind::Update,
            content,
            then,
            version,
            game: game.clone(),
            paused: false,
        };
        assert_eq!(parse(text.trim_end_matches('\n')).as_ref(), Some(&expected));
        let low_disk = text.replace("keep", "low-disk");
        let then = parse(low_disk.trim_end_matches('\n')).map(|saved| saved.then);
        assert_eq!(then, Some(AfterDownload::InstallLowDisk));
        operation.phase = Phase::Paused;
        let paused = line(&game, &operation).unwrap();
        let expected = Saved {
            paused: true,
            ..expected
        };
        assert_eq!(parse(paused.trim_end_matches('\n')), Some(expected));
        for bad in [
            "",
            "get",
            "get\tx\tkeep\t1\tq",
            "eat\t\t\t\t",
            &text.replace("keep", "sell"),
        ] {
            assert_eq!(parse(bad.trim_end_matches('\n')), None, "{bad:?}");
        }
        operation.phase = Phase::Done;
        assert_eq!(line(&game, &operation), None);
    }
}
