//! Owns the receiver's budget: who may send us how many bytes, over all lanes of this machine; and
//! how large it is, which follows the queue that small probes see.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lanspread_proto::{
    PeerId,
    wire::{LaneMessage, lane},
};
use lanspread_swarm::{
    Governor,
    credit::{Credit, LaneId},
    governor::STEP,
    time::Instant,
};
use tokio::sync::mpsc;

use crate::{
    actor::{Mailbox, Tasks, mailbox},
    clock::Clock,
    limits::RECEIVE_WINDOW_BYTES_MAX,
    peers::{PeersHandle, probes::RoundTrip},
    restart::{Failure, Part, Parts},
    snapshot::Component,
};

/// Between two probes while bytes are on their way: 100 a second.
const TICK: Duration = Duration::from_millis(10);
/// Probes between two looks at what they said.
const TICKS_PER_STEP: u32 = 4;
/// Peers that are probed at a time.
const PROBED_MAX: usize = 2;
/// How often they are chosen anew.
const CHOOSE_EVERY: Duration = Duration::from_secs(2);
const _: () = assert!(TICK.as_millis() * TICKS_PER_STEP as u128 == STEP.as_millis());

/// What the budget is told.
#[derive(Debug)]
enum Msg {
    /// A lane opened; its frames go here.
    Up(LaneId, PeerId, LaneAccount),
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
    /// Starts the owner of the budget.
    pub(crate) fn start(
        (tasks, parts): (&Tasks, &Parts),
        clock: Clock,
        peers: PeersHandle,
        round_trips: mpsc::Receiver<RoundTrip>,
    ) -> Self {
        let (mailbox, inbox) = mailbox();
        let governor = Governor::new(clock.now(), RECEIVE_WINDOW_BYTES_MAX);
        let owner = Owner {
            inbox,
            clock,
            peers,
            round_trips,
            credit: Credit::new(governor.window()),
            governor,
            accounts: BTreeMap::new(),
            arrived: BTreeMap::new(),
            probed: Vec::new(),
            chosen_at: clock.now(),
            ticks: 0,
        };
        parts.keep(tasks, owner);
        Self { mailbox }
    }

    pub(crate) async fn up(&self, lane: LaneId, peer: PeerId, account: LaneAccount) {
        self.mailbox.send(Msg::Up(lane, peer, account)).await;
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
    peers: PeersHandle,
    round_trips: mpsc::Receiver<RoundTrip>,
    credit: Credit,
    governor: Governor,
    accounts: BTreeMap<LaneId, (PeerId, LaneAccount)>,
    /// Bytes that came from each peer since the probed ones were chosen.
    arrived: BTreeMap<PeerId, u64>,
    /// Who is probed.
    probed: Vec<PeerId>,
    chosen_at: Instant,
    ticks: u32,
}

impl Part for Owner {
    const COMPONENT: Component = Component::Credit;

    async fn run(&mut self) -> Failure {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let due = self.credit.poll_timeout().map(|due| self.clock.at(due));
            let active = self.credit.active_count() > 0;
            tokio::select! {
                biased;
                _ = tick.tick(), if active => self.on_tick(),
                Some(RoundTrip { peer, trip }) = self.round_trips.recv() => {
                    self.governor.on_round_trip(self.clock.now(), peer, trip);
                }
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
            Msg::Up(lane, peer, account) => {
                self.accounts.insert(lane, (peer, account));
                self.credit.on_lane_up(now, lane);
            }
            Msg::Requested(lane, bytes) => {
                if self.credit.active_count() == 0 {
                    self.governor.on_start(now);
                }
                self.credit.on_requested(now, lane, bytes);
            }
            Msg::Arrived(lane, bytes) => {
                self.governor.on_bytes(now, bytes);
                if let Some((peer, _)) = self.accounts.get(&lane) {
                    *self.arrived.entry(*peer).or_default() += bytes;
                }
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

    /// Sends a probe, and now and then looks at what they said.
    fn on_tick(&mut self) {
        let now = self.clock.now();
        self.ticks = self.ticks.wrapping_add(1);
        if self.probed.is_empty() || now.since(self.chosen_at) >= CHOOSE_EVERY {
            self.choose_probed(now);
        }
        let turn = self.ticks as usize % self.probed.len().max(1);
        if let Some(peer) = self.probed.get(turn) {
            self.peers.probe(*peer, self.clock);
        }
        if self.ticks.is_multiple_of(TICKS_PER_STEP) {
            let full = self.credit.counted() * 4 >= self.credit.window() * 3;
            self.credit.set_window(self.governor.on_step(now, full));
        }
    }

    /// The peers that sent most of late are probed; at the start those that are asked.
    fn choose_probed(&mut self, now: Instant) {
        let mut active: Vec<(u64, PeerId)> = self
            .accounts
            .iter()
            .filter(|(lane, _)| self.credit.is_active(**lane))
            .map(|(_, (peer, _))| (self.arrived.get(peer).copied().unwrap_or(0), *peer))
            .collect();
        active.sort_unstable_by(|a, b| b.cmp(a));
        active.dedup();
        let chosen: Vec<PeerId> = active
            .into_iter()
            .take(PROBED_MAX)
            .map(|(_, p)| p)
            .collect();
        for gone in self.probed.iter().filter(|peer| !chosen.contains(peer)) {
            self.governor.forget(*gone);
        }
        self.probed = chosen;
        self.arrived.clear();
        self.chosen_at = now;
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
                .is_some_and(|(_, account)| !account.grant(bytes))
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
