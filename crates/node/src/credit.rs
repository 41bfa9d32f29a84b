//! Owns the receiver's budget: who may send us how many bytes, over all lanes of this machine.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use lanspread_proto::wire::{LaneMessage, lane};
use lanspread_swarm::credit::{Credit, LaneId};
use tokio::sync::mpsc;

use crate::{
    actor::{Mailbox, Tasks, mailbox},
    clock::Clock,
    restart::{Failure, Part, Parts},
    snapshot::Component,
};

/// What the budget is told.
#[derive(Debug)]
enum Msg {
    /// A lane opened; its frames go here.
    Up(LaneId, LaneAccount),
    /// So many more bytes are asked for.
    Requested(LaneId, u64),
    /// So many bytes arrived.
    Arrived(LaneId, u64),
    /// So many asked-for bytes will not come.
    Abandoned(LaneId, u64),
    /// A lane closed.
    Down(LaneId),
}

/// A cheap door to the budget.
#[derive(Debug, Clone)]
pub(crate) struct CreditHandle {
    mailbox: Mailbox<Msg>,
}

/// What was granted to one lane, as its reading side checks it.
#[derive(Debug, Clone)]
pub(crate) struct LaneAccount {
    frames: mpsc::Sender<LaneMessage>,
    balance: Arc<AtomicU64>,
}

impl LaneAccount {
    /// A lane whose frames go to `frames`.
    pub(crate) fn new(frames: mpsc::Sender<LaneMessage>) -> Self {
        Self {
            frames,
            balance: Arc::default(),
        }
    }

    /// Takes arrived bytes off the balance; `false` when the sender had no credit for them.
    pub(crate) fn spend(&self, bytes: u32) -> bool {
        // Only the reading side of the lane takes, so what is there stays there.
        let there = self.balance.load(Ordering::Acquire);
        let covered = there >= u64::from(bytes);
        if covered {
            self.balance.fetch_sub(u64::from(bytes), Ordering::AcqRel);
        }
        covered
    }

    /// Bytes that the sender may still send.
    pub(crate) fn left(&self) -> u64 {
        self.balance.load(Ordering::Acquire)
    }

    /// The balance is raised before the sender hears of it.
    fn grant(&self, bytes: u32) -> bool {
        self.balance.fetch_add(u64::from(bytes), Ordering::AcqRel);
        let credit = LaneMessage::Credit(lane::Credit { bytes });
        self.frames.try_send(credit).is_ok()
    }
}

impl CreditHandle {
    /// Starts the owner of a budget of `window` bytes.
    pub(crate) fn start((tasks, parts): (&Tasks, &Parts), clock: Clock, window: u64) -> Self {
        let (mailbox, inbox) = mailbox();
        let owner = Owner {
            inbox,
            clock,
            credit: Credit::new(window),
            accounts: BTreeMap::new(),
        };
        parts.keep(tasks, owner);
        Self { mailbox }
    }

    pub(crate) async fn up(&self, lane: LaneId, account: LaneAccount) {
        self.mailbox.send(Msg::Up(lane, account)).await;
    }

    pub(crate) async fn requested(&self, lane: LaneId, bytes: u32) {
        self.mailbox
            .send(Msg::Requested(lane, u64::from(bytes)))
            .await;
    }

    pub(crate) async fn arrived(&self, lane: LaneId, bytes: u32) {
        self.mailbox
            .send(Msg::Arrived(lane, u64::from(bytes)))
            .await;
    }

    pub(crate) async fn abandoned(&self, lane: LaneId, bytes: u32) {
        self.mailbox
            .send(Msg::Abandoned(lane, u64::from(bytes)))
            .await;
    }

    pub(crate) async fn down(&self, lane: LaneId) {
        self.mailbox.send(Msg::Down(lane)).await;
    }
}

struct Owner {
    inbox: mpsc::Receiver<Msg>,
    clock: Clock,
    credit: Credit,
    accounts: BTreeMap<LaneId, LaneAccount>,
}

impl Part for Owner {
    const COMPONENT: Component = Component::Credit;

    async fn run(&mut self) -> Failure {
        loop {
            let due = self.credit.poll_timeout().map(|due| self.clock.at(due));
            tokio::select! {
                biased;
                message = self.inbox.recv() => match message {
                    Some(message) => self.on_message(message),
                    // At the stop those who had lanes go first.
                    None => std::future::pending().await,
                },
                () = sleep_until(due) => self.credit.on_timeout(self.clock.now()),
            }
            while let Ok(message) = self.inbox.try_recv() {
                self.on_message(message);
            }
            self.grant();
        }
    }
}

impl Owner {
    fn on_message(&mut self, message: Msg) {
        let now = self.clock.now();
        match message {
            Msg::Up(lane, account) => {
                self.accounts.insert(lane, account);
                self.credit.on_lane_up(now, lane);
            }
            Msg::Requested(lane, bytes) => self.credit.on_requested(now, lane, bytes),
            Msg::Arrived(lane, bytes) => {
                // The lane itself ends a sender without credit (`LaneAccount::spend`).
                let _covered = self.credit.on_bytes(now, lane, bytes);
            }
            Msg::Abandoned(lane, bytes) => self.credit.on_abandoned(lane, bytes),
            Msg::Down(lane) => {
                self.accounts.remove(&lane);
                self.credit.on_lane_down(lane);
            }
        }
    }

    fn grant(&mut self) {
        // Small grants to one lane travel as one frame.
        let mut grants: BTreeMap<LaneId, u32> = BTreeMap::new();
        while let Some((lane, bytes)) = self.credit.poll_grant() {
            let sum = grants.entry(lane).or_default();
            *sum = sum.saturating_add(bytes);
        }
        for (lane, bytes) in grants {
            if self
                .accounts
                .get(&lane)
                .is_some_and(|account| !account.grant(bytes))
            {
                // A lane that takes no frames is dead; it will say so itself.
                self.credit.on_lane_down(lane);
            }
        }
    }
}

/// Sleeps until an instant, or for ever without one.
pub(crate) async fn sleep_until(due: Option<tokio::time::Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
