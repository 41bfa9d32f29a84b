//! In which order holders are asked for the same thing, and how long one may keep us from the next.
//!
//! Invariant: whoever answers nothing, or next to nothing, costs the others [`STAGGER`], and nobody
//! more than [`TURN`] while there is somebody who was not asked yet.

use std::{collections::VecDeque, time::Duration};

use lanspread_proto::PeerId;
use tokio::{
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep},
};
use tracing::Instrument;

/// Another holder is asked beside those before when they have not delivered for so long.
const STAGGER: Duration = Duration::from_secs(1);
/// Holders that are asked at once: each may send as much as the largest answer has.
const AT_ONCE: usize = 3;
/// A holder that takes longer makes room for one that was not asked yet.
const TURN: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug)]
pub(super) struct Asked<T, E> {
    /// The first good answer.
    pub(super) found: Option<T>,
    /// Who failed, and how; who was merely too slow is not among them.
    pub(super) failed: Vec<(PeerId, E)>,
}

/// Asks until one holder delivers or all have failed. `next` names one after the other, also those
/// who come while others are asked. Dropping it asks nobody any more.
pub(super) async fn ask_in_turn<T, E, F>(
    mut next: impl FnMut() -> Option<PeerId>,
    ask: impl Fn(PeerId) -> F,
) -> Asked<T, E>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let mut waiting = None;
    let mut asking = JoinSet::new();
    let mut turns: VecDeque<Turn> = VecDeque::new();
    let mut failed = Vec::new();
    loop {
        waiting = waiting.or_else(&mut next);
        if waiting.is_some()
            && make_room(&mut turns)
            && let Some(peer) = waiting.take()
        {
            let asked = ask(peer);
            let task = async move { (peer, asked.await) };
            turns.push_back(Turn {
                task: asking.spawn(task.in_current_span()),
                since: Instant::now(),
            });
        }
        tokio::select! {
            ended = asking.join_next() => match ended {
                Some(Ok((_, Ok(found)))) => return Asked { found: Some(found), failed },
                Some(Ok((peer, Err(error)))) => failed.push((peer, error)),
                // It had to make room.
                Some(Err(error)) if error.is_cancelled() => {}
                Some(Err(error)) => tracing::error!(%error, "asking a holder failed"),
                None => return Asked { found: None, failed },
            },
            () = sleep(STAGGER) => {}
        }
        turns.retain(|turn| !turn.task.is_finished());
    }
}

/// One holder that is being asked.
struct Turn {
    task: AbortHandle,
    since: Instant,
}

/// Somebody waits to be asked: whether there is room, if need be that of whoever had time enough.
fn make_room(turns: &mut VecDeque<Turn>) -> bool {
    if turns.len() == AT_ONCE
        && let Some(oldest) = turns.pop_front_if(|oldest| oldest.since.elapsed() >= TURN)
    {
        oldest.task.abort();
    }
    turns.len() < AT_ONCE
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// What a holder does.
    #[derive(Debug, Clone, Copy)]
    enum Does {
        /// It never answers.
        Nothing,
        /// It fails after so many seconds.
        Fails(u64),
        /// It delivers after so many seconds.
        Delivers(u64),
    }

    fn peer(number: usize) -> PeerId {
        PeerId::from_bytes([u8::try_from(number).unwrap(); 32])
    }

    /// Asks holders that behave so; who delivered, who failed, and the seconds it took.
    async fn asked(all: &[Does]) -> (Option<usize>, Vec<usize>, u64) {
        let mut holders = (0..all.len()).map(peer);
        let number = |peer: PeerId| usize::from(peer.as_bytes()[0]);
        let began = Instant::now();
        let asked = ask_in_turn(
            || holders.next(),
            |peer| {
                let does = all[number(peer)];
                async move {
                    match does {
                        Does::Nothing => pending().await,
                        Does::Fails(after) => {
                            sleep(Duration::from_secs(after)).await;
                            Err(())
                        }
                        Does::Delivers(after) => {
                            sleep(Duration::from_secs(after)).await;
                            Ok(number(peer))
                        }
                    }
                }
            },
        );
        let Asked { found, failed } = asked.await;
        let failed = failed.into_iter().map(|(peer, ())| number(peer)).collect();
        (found, failed, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_holder_costs_a_second() {
        use Does::{Delivers, Fails, Nothing};
        let found = |holder, seconds| (Some(holder), Vec::new(), seconds);
        assert_eq!(asked(&[Delivers(0), Nothing]).await, found(0, 0));
        assert_eq!(asked(&[Nothing, Delivers(0)]).await, found(1, 1));
        assert_eq!(asked(&[Nothing, Nothing, Delivers(0)]).await, found(2, 2));
        // The first was only slow.
        assert_eq!(asked(&[Delivers(2), Nothing, Nothing]).await, found(0, 2));
        // Whoever fails is not waited for at all.
        let all = [Fails(0), Fails(0), Delivers(0)];
        assert_eq!(asked(&all).await, (Some(2), vec![0, 1], 0));
    }

    #[tokio::test(start_paused = true)]
    async fn many_silent_holders_do_not_hide_the_honest_one() {
        let mut all = [Does::Nothing; 10];
        all[9] = Does::Delivers(1);
        let (found, _, seconds) = asked(&all).await;
        assert_eq!(found, Some(9));
        // The first three have their turns, then three more, and so on.
        assert!(seconds <= 3 * TURN.as_secs() + 6, "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_another_is_silent_is_asked() {
        let began = Instant::now();
        let mut holders = vec![peer(1), peer(0)];
        let next = || match holders.len() {
            1 if began.elapsed() < Duration::from_secs(5) => None,
            _ => holders.pop(),
        };
        let asked = ask_in_turn(next, |holder| async move {
            if holder == peer(0) {
                pending::<()>().await;
            }
            Ok::<_, ()>(holder)
        });
        assert_eq!(asked.await.found, Some(peer(1)));
        assert_eq!(began.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_holders_have_all_the_time_they_need() {
        let all = [Does::Delivers(100); 5];
        let (found, _, _) = asked(&all).await;
        assert!(found.is_some());
        let all = [Does::Fails(0), Does::Fails(50), Does::Fails(0)];
        assert_eq!(asked(&all).await, (None, vec![0, 2, 1], 50));
        assert_eq!(asked(&[]).await, (None, Vec::new(), 0));
    }
}
