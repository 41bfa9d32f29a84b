//! [`PingSeries`]: round trips between two hosts, answered and stamped by the kernel.

use std::{io::Read, process::Stdio, time::Duration};

use crate::{
    error::LabError,
    host::Host,
    process::{Process, Signal},
};

/// A series under way. Dropping it ends it.
#[derive(Debug)]
pub struct PingSeries {
    process: Process,
}

/// What a series measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundTrips {
    /// Every answer's time, shortest first.
    pub sorted: Vec<Duration>,
    /// Requests without an answer, except the last one, which may have been under way.
    pub lost: u32,
}

impl PingSeries {
    pub(crate) fn start(host: &Host, address: &str, per_second: u32) -> Result<Self, LabError> {
        let interval = 1.0 / f64::from(per_second.max(1));
        let mut command = host.command("ping");
        command
            .args(["-n", "-i", &format!("{interval:.4}"), address])
            .env("LC_ALL", "C")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let process = Process::spawn(command)?;
        Ok(Self { process })
    }

    /// Ends the series.
    ///
    /// # Errors
    /// `ping` wrote no summary.
    pub fn stop(mut self) -> Result<RoundTrips, LabError> {
        let stdout = self.process.take_stdout();
        self.process.signal(Signal::INT);
        let mut wrote = String::new();
        if let Some(mut stdout) = stdout {
            // A broken text has no summary.
            stdout.read_to_string(&mut wrote).ok();
        }
        parse(&wrote).ok_or_else(|| LabError::Output {
            command: "ping".to_string(),
            wrote,
        })
    }
}

impl RoundTrips {
    /// The time below which so many of a hundred lie; `None` without an answer.
    #[must_use]
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let index = self.sorted.len() * usize::from(percent.min(100)) / 100;
        let last = self.sorted.len().checked_sub(1)?;
        self.sorted.get(index.min(last)).copied()
    }
}

fn parse(text: &str) -> Option<RoundTrips> {
    let mut sorted: Vec<Duration> = text
        .lines()
        .filter_map(|line| {
            line.split("time=")
                .nth(1)?
                .strip_suffix(" ms")?
                .parse()
                .ok()
        })
        .filter_map(|millis: f64| Duration::try_from_secs_f64(millis / 1000.0).ok())
        .collect();
    sorted.sort();
    let summary = text.lines().find(|line| line.contains(" received"))?;
    let mut counts = summary
        .split(", ")
        .filter_map(|part| part.split(' ').next()?.parse::<u32>().ok());
    let (sent, received) = (counts.next()?, counts.next()?);
    let lost = sent.saturating_sub(received).saturating_sub(1);
    Some(RoundTrips { sorted, lost })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series() {
        let text = "64 bytes from 10.77.0.2: icmp_seq=1 ttl=64 time=0.043 ms\n\
                    64 bytes from 10.77.0.2: icmp_seq=2 ttl=64 time=12 ms\n\
                    64 bytes from 10.77.0.2: icmp_seq=4 ttl=64 time=0.100 ms\n\n\
                    --- 10.77.0.2 ping statistics ---\n\
                    5 packets transmitted, 3 received, 40% packet loss, time 61ms\n";
        let trips = parse(text).unwrap();
        let micros: Vec<u128> = trips.sorted.iter().map(Duration::as_micros).collect();
        assert_eq!(micros, [43, 100, 12_000]);
        assert_eq!(trips.lost, 1);
        assert_eq!(trips.percentile(0), Some(Duration::from_micros(43)));
        assert_eq!(trips.percentile(50), Some(Duration::from_micros(100)));
        assert_eq!(trips.percentile(99), Some(Duration::from_millis(12)));
        assert_eq!(parse("ping: connect: Network is unreachable\n"), None);
        let none = parse("3 packets transmitted, 0 received, 100% packet loss\n").unwrap();
        assert_eq!((none.percentile(50), none.lost), (None, 2));
    }
}
