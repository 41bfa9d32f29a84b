//! What a run costs: wall time, processor time of the whole machine, memory of both sides.

use std::{
    fs,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// Clock ticks per second of `/proc/stat`; the kernel shows 100 to everybody.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often memory is looked at. What is read is a high-water mark, so little is missed.
const SAMPLE: Duration = Duration::from_millis(10);

/// What one run cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// Wall time.
    pub(super) seconds: f64,
    /// Processor time of the whole machine.
    pub(super) cpu_seconds: f64,
    /// Most memory of the sender, in KiB.
    pub(super) sender_kib: u64,
    /// Most memory of the receiver, in KiB.
    pub(super) receiver_kib: u64,
}

/// A measurement under way.
#[derive(Debug)]
pub(super) struct Meter {
    start: Instant,
    ticks: f64,
    stop: SyncSender<()>,
    sampler: JoinHandle<[u64; 2]>,
}

impl Meter {
    /// Starts to measure, with the process ids of sender and receiver.
    pub(super) fn start(sender: u32, receiver: u32) -> Result<Self> {
        let (stop, stopped) = sync_channel(1);
        let sampler = thread::spawn(move || sample([sender, receiver], &stopped));
        Ok(Self {
            start: Instant::now(),
            ticks: busy_ticks()?,
            stop,
            sampler,
        })
    }

    /// Ends the measurement. `start` is when the run began, if that was before the meter.
    pub(super) fn stop(self, start: Option<Instant>) -> Result<Cost> {
        let seconds = start.unwrap_or(self.start).elapsed().as_secs_f64();
        let cpu_seconds = (busy_ticks()? - self.ticks) / TICKS_PER_SECOND;
        self.stop.send(()).ok();
        let [sender_kib, receiver_kib] = self.sampler.join().unwrap_or_default();
        Ok(Cost {
            seconds,
            cpu_seconds,
            sender_kib,
            receiver_kib,
        })
    }
}

fn sample(pids: [u32; 2], stopped: &Receiver<()>) -> [u64; 2] {
    let mut most = [0, 0];
    loop {
        for (pid, most) in pids.iter().zip(&mut most) {
            let status = fs::read_to_string(format!("/proc/{pid}/status"));
            *most = status
                .ok()
                .and_then(|text| peak(&text))
                .unwrap_or(0)
                .max(*most);
        }
        if stopped.recv_timeout(SAMPLE) != Err(RecvTimeoutError::Timeout) {
            return most;
        }
    }
}

/// `VmHWM:      1234 kB`
fn peak(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn busy_ticks() -> Result<f64> {
    let text = fs::read_to_string("/proc/stat").context("reading /proc/stat")?;
    parse_busy(&text).context("/proc/stat names no processor")
}

/// All but idle, waiting for disks, and stolen. Guests are counted in user already.
fn parse_busy(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<f64> = line.split_whitespace().flat_map(str::parse).collect();
    match ticks[..] {
        [user, nice, system, _idle, _waiting, interrupts, soft, ..] => {
            Some(user + nice + system + interrupts + soft)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files() {
        let stat = "cpu  100 20 30 4000 5 6 7 8 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(parse_busy(stat), Some(163.0));
        assert_eq!(parse_busy("intr 1\n"), None);
        let status = "Name:\tcat\nVmPeak:\t  9 kB\nVmHWM:\t    1740 kB\n";
        assert_eq!(peak(status), Some(1740));
        assert_eq!(peak("Name:\tcat\n"), None);
    }

    #[test]
    fn measures_this_process() {
        let meter = Meter::start(std::process::id(), std::process::id()).unwrap();
        let cost = meter.stop(None).unwrap();
        assert!(cost.sender_kib > 500 && cost.receiver_kib > 500, "{cost:?}");
        assert!(cost.cpu_seconds >= 0.0 && cost.seconds < 60.0, "{cost:?}");
    }
}
