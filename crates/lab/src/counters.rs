//! [`Counters`]: bytes and packets of an interface, and what the limiters dropped.

use std::ops::Sub;

use crate::{error::LabError, host::Host, tool};

/// What went through an interface, from its host's point of view. A packet that the kernel cuts
/// into frames later counts once, with one header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
    /// Packets sent.
    pub sent_packets: u64,
    /// Packets received.
    pub received_packets: u64,
    /// Packets that the limiter at the host's end dropped.
    pub sent_drops: u64,
    /// Packets that the limiter at the switch's end dropped.
    pub received_drops: u64,
}

impl Sub for Counters {
    type Output = Self;

    /// What happened since an earlier reading.
    fn sub(self, earlier: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(earlier.sent),
            received: self.received.saturating_sub(earlier.received),
            sent_packets: self.sent_packets.saturating_sub(earlier.sent_packets),
            received_packets: self
                .received_packets
                .saturating_sub(earlier.received_packets),
            sent_drops: self.sent_drops.saturating_sub(earlier.sent_drops),
            received_drops: self.received_drops.saturating_sub(earlier.received_drops),
        }
    }
}

/// Reads an interface of a host, and the switch's end of its cable if there is one.
pub(crate) fn read(
    host: &Host,
    interface: &str,
    port: Option<(String, String)>,
) -> Result<Counters, LabError> {
    let directory = format!("/sys/class/net/{interface}/statistics");
    let files = ["tx_bytes", "rx_bytes", "tx_packets", "rx_packets"];
    let wrote = host.run("cat", files.map(|file| format!("{directory}/{file}")))?;
    let numbers: Vec<u64> = wrote.lines().filter_map(|line| line.parse().ok()).collect();
    let [sent, received, sent_packets, received_packets] = numbers[..] else {
        let command = format!("cat {directory}/*");
        return Err(LabError::Output { command, wrote });
    };
    Ok(Counters {
        sent,
        received,
        sent_packets,
        received_packets,
        sent_drops: drops(&host.namespace(), interface)?,
        received_drops: match port {
            Some((switches, port)) => drops(&switches, &port)?,
            None => 0,
        },
    })
}

fn drops(space: &str, interface: &str) -> Result<u64, LabError> {
    let wrote = tool::words(&format!("tc -n {space} -s qdisc show dev {interface}"))?;
    Ok(parse_drops(&wrote))
}

/// ` Sent 0 bytes 0 pkt (dropped 7, overlimits 0 requeues 0)`; 0 without a limiter.
fn parse_drops(text: &str) -> u64 {
    text.split("(dropped ")
        .skip(1)
        .filter_map(|behind| behind.split(',').next()?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_of_all_queues() {
        let text = "qdisc tbf 8001: root refcnt 2 rate 200Mbit burst 27048b lat 60.5ms\n \
                    Sent 10 bytes 2 pkt (dropped 7, overlimits 0 requeues 0)\n";
        assert_eq!(parse_drops(text), 7);
        assert_eq!(parse_drops("qdisc noqueue 0: root refcnt 2\n"), 0);
    }
}
