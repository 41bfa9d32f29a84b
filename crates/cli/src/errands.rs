//! What pages ask of the program itself: show a folder, read the log, set up, quit.

use std::path::{Path, PathBuf};

use lanspread_api::{Report, reception::Errand};
use lanspread_proto::text::PeerName;
use tokio::sync::{mpsc, oneshot};

use crate::{browser, commands::node::Written, files, log_files};

/// What only the life of the program itself can answer.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Remember this and start the node.
    SetUp {
        games_dir: PathBuf,
        name: PeerName,
        reply: oneshot::Sender<Result<(), Report>>,
    },
    /// Write down what is set.
    KeepSettings(oneshot::Sender<Result<(), Report>>),
    /// End.
    Quit,
}

/// Runs errands until one comes that is the life's own; that is the answer. `None` when nobody can
/// ask any more.
pub(crate) async fn next(errands: &mut mpsc::Receiver<Errand>, state: &Path) -> Option<Asked> {
    loop {
        // Whoever asked may have gone.
        match errands.recv().await? {
            Errand::SetUp {
                games_dir,
                name,
                reply,
            } => {
                return Some(Asked::SetUp {
                    games_dir,
                    name,
                    reply,
                });
            }
            Errand::KeepSettings { reply } => return Some(Asked::KeepSettings(reply)),
            Errand::Quit => return Some(Asked::Quit),
            Errand::OpenFolder { folder, reply } => drop(reply.send(browser::open_folder(&folder))),
            Errand::Logs { lines, reply } => drop(reply.send(logs(state.to_owned(), lines).await)),
        }
    }
}

/// Runs errands of a node that runs already, until it shall quit. Without a keeper the settings end
/// with the node.
pub(crate) async fn serve(
    errands: &mut mpsc::Receiver<Errand>,
    state: &Path,
    keeper: Option<&mpsc::Sender<Written>>,
) {
    while let Some(asked) = next(errands, state).await {
        match asked {
            Asked::Quit => return,
            Asked::KeepSettings(reply) => match keeper {
                // One that is gone lets go of it, and whoever asked hears that all ends.
                Some(keeper) => drop(keeper.send(reply).await),
                None => drop(reply.send(Ok(()))),
            },
            Asked::SetUp { reply, .. } => {
                let report = Report::new("set-up-already", "the node runs already");
                drop(reply.send(Err(report)));
            }
        }
    }
    std::future::pending().await
}

async fn logs(state: PathBuf, lines: usize) -> Result<Vec<String>, Report> {
    let path = log_files::newest(&state);
    let read = tokio::task::spawn_blocking(move || {
        files::last_lines(&path, lines).map_err(|error| {
            let message = format!("cannot read {}: {error}", path.display());
            Report::new("state-dir", message)
        })
    });
    let failed = |error| Report::new("internal", format!("reading the log failed: {error}"));
    read.await.map_err(failed)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn errands_are_run_until_one_is_the_lifes_own() {
        let state = tempfile::tempdir().unwrap();
        let (errands, mut asked) = mpsc::channel(4);
        let (reply, missing) = oneshot::channel();
        errands
            .send(Errand::Logs { lines: 3, reply })
            .await
            .unwrap();
        let (reply, refused) = oneshot::channel();
        let set_up = Errand::SetUp {
            games_dir: "/g".into(),
            name: PeerName::clean("Box"),
            reply,
        };
        errands.send(set_up).await.unwrap();
        errands.send(Errand::Quit).await.unwrap();
        serve(&mut asked, state.path(), None).await;
        assert_eq!(missing.await.unwrap().unwrap_err().code, "state-dir");
        assert_eq!(refused.await.unwrap().unwrap_err().code, "set-up-already");
    }
}
