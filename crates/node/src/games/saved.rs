//! The downloads that outlive the node: kept in the state directory, taken up at the next start.
//!
//! One line each: kind, content, what follows, version, game, and whether it is paused. A line that
//! does not parse is left out, and said.

use std::sync::Arc;

use lanspread_disk::atomic_file;
use lanspread_proto::{ContentId, GameId, VersionLabel};

use super::{Games, operation::Operation};
use crate::{
    handle::{AfterDownload, GetRequest},
    snapshot::{OperationKind, Phase},
};

/// The file's name.
pub(super) const NAME: &str = "downloads";
/// Far more than anybody queues.
const BYTES_MAX: u64 = 4 * 1_024 * 1_024;

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
        let read = move || atomic_file::read(disk.as_ref(), &place.own(NAME), BYTES_MAX);
        let Ok(read) = self.ports.blocking(read).await else {
            return;
        };
        let text = match read {
            Ok(bytes) => String::from_utf8(bytes.unwrap_or_default()).unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "the saved queue of downloads cannot be read");
                return;
            }
        };
        for saved in text.lines().filter_map(parse) {
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
    use super::*;

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
