//! [`Doorkeeper`]: the actor that owns codes and sessions. Who is let in is a view that the guard
//! reads; a new session is in it before the browser is told.

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::Token,
    error::Report,
    pairing::{Code, NotPaired, Pairing, Sessions},
};

/// Questions that wait; whoever asks more waits too.
const QUESTIONS_MAX: usize = 16;

/// The door to the owner of codes and sessions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Doorkeeper {
    questions: mpsc::Sender<Question>,
    sessions: watch::Receiver<Sessions>,
}

#[derive(Debug)]
enum Question {
    Issue(oneshot::Sender<Result<Code, Report>>),
    Pair(String, oneshot::Sender<Result<Token, NotPaired>>),
}

impl Doorkeeper {
    /// Starts the owner, which ends at the stop. Must be called within a tokio runtime.
    #[must_use]
    pub fn start(sessions: Sessions, stop: CancellationToken) -> Self {
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let pairing = Pairing::new(sessions);
        let (view, sessions) = watch::channel(pairing.sessions().clone());
        let serving = serve(pairing, asked, view);
        tokio::spawn(async move { stop.run_until_cancelled(serving).await });
        Self {
            questions,
            sessions,
        }
    }

    /// A new code; the one before is worth nothing any more.
    pub(crate) async fn issue(&self) -> Result<Code, Report> {
        self.ask(Question::Issue).await?
    }

    /// Exchanges a code for the secret of a session.
    pub(crate) async fn pair(&self, code: String) -> Result<Token, Report> {
        let answer = self.ask(|reply| Question::Pair(code, reply)).await?;
        Ok(answer?)
    }

    /// Follows who may come in.
    #[must_use]
    pub fn sessions(&self) -> watch::Receiver<Sessions> {
        self.sessions.clone()
    }

    async fn ask<T>(
        &self,
        question: impl FnOnce(oneshot::Sender<T>) -> Question,
    ) -> Result<T, Report> {
        let (reply, answer) = oneshot::channel();
        let stopping = || Report::new("stopping", "the node is stopping");
        let asked = self.questions.send(question(reply)).await;
        asked.map_err(|_closed| stopping())?;
        answer.await.map_err(|_closed| stopping())
    }
}

async fn serve(
    mut pairing: Pairing,
    mut asked: mpsc::Receiver<Question>,
    view: watch::Sender<Sessions>,
) {
    while let Some(question) = asked.recv().await {
        let now = Instant::now();
        // Whoever asked may have gone.
        match question {
            Question::Issue(reply) => drop(reply.send(pairing.issue(now))),
            Question::Pair(code, reply) => {
                let paired = pairing.pair(now, &code);
                if paired.is_ok() {
                    view.send_replace(pairing.sessions().clone());
                }
                drop(reply.send(paired));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_session_is_admitted_before_the_browser_knows_it() {
        let stop = CancellationToken::new();
        let keeper = Doorkeeper::start(Sessions::default(), stop.clone());
        let mut sessions = keeper.sessions();
        let refused = keeper.pair("ABCD-EFGH".to_owned()).await;
        assert_eq!(refused.unwrap_err().code, "no-code");
        let code = keeper.issue().await.unwrap();
        let secret = keeper.pair(code.for_people()).await.unwrap();
        assert!(sessions.borrow_and_update().admit(secret.reveal()));
        stop.cancel();
        assert!(sessions.changed().await.is_err(), "it has ended");
        assert_eq!(keeper.issue().await.unwrap_err().code, "stopping");
    }
}
