//! [`Lab`]: building the namespaces, and taking them down whatever happens.

use std::{
    path::Path,
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal};

use crate::{
    available,
    config::{Addressing, LabConfig, Rate, Wiring},
    error::LabError,
    host::{self, Host},
    names, tool,
};

/// Labs that this process has made.
static COUNT: AtomicU32 = AtomicU32::new(0);
/// How long processes may take to end themselves before they are killed.
const GRACE: Duration = Duration::from_secs(2);

/// A running lab. Dropping it ends what runs in it and removes it.
#[derive(Debug)]
pub struct Lab {
    name: String,
    config: LabConfig,
    hosts: Vec<Host>,
}

impl Lab {
    /// Builds a lab.
    ///
    /// # Errors
    /// The machine cannot hold one, the shape is impossible, or a tool failed; what was built until
    /// then is removed.
    pub fn new(config: LabConfig) -> Result<Self, LabError> {
        config.check()?;
        available::check()?;
        remove_abandoned();
        let name = names::lab(process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        // From here on dropping it takes down what is there.
        let mut lab = Self {
            name,
            config,
            hosts: Vec::new(),
        };
        lab.build_switches()?;
        for number in 1..=lab.config.hosts {
            let host = lab.build_host(number)?;
            lab.hosts.push(host);
        }
        if lab.config.wiring == Wiring::Cable {
            lab.join_by_cable()?;
        }
        Ok(lab)
    }

    /// Whether a lab can be built here.
    ///
    /// # Errors
    /// What is missing.
    pub fn available() -> Result<(), available::Missing> {
        available::check()
    }

    /// A host by its number, from 1.
    ///
    /// # Errors
    /// There is no such host.
    pub fn host(&self, number: u8) -> Result<&Host, LabError> {
        let index = usize::from(number).wrapping_sub(1);
        let none = || LabError::None(format!("host {number}"));
        self.hosts.get(index).ok_or_else(none)
    }

    /// All hosts; the first is number 1.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// What TCP on the hosts controls congestion with: `cubic`, or `reno` where a namespace may not
    /// choose that.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn congestion_control(&self) -> Result<String, LabError> {
        let said = self
            .host(1)?
            .run("cat", [format!("/proc/sys/{}", host::CONGESTION)])?;
        Ok(said.trim().to_string())
    }

    /// Changes the rate of the cable between two switches, both ways.
    ///
    /// # Errors
    /// There is no such cable, or a tool failed.
    pub fn limit_uplink(&self, rate: Option<Rate>) -> Result<(), LabError> {
        if !matches!(self.config.wiring, Wiring::TwoSwitches { .. }) {
            return Err(LabError::NoSwitch);
        }
        let switches = names::switches(&self.name);
        host::limit_sending(&switches, "ul0", rate, host::SWITCH_BUFFER)?;
        host::limit_sending(&switches, "ul1", rate, host::SWITCH_BUFFER)
    }

    fn build_switches(&self) -> Result<(), LabError> {
        if self.config.wiring == Wiring::Cable {
            return Ok(());
        }
        let space = names::switches(&self.name);
        tool::words(&format!("ip netns add {space}"))?;
        host::set_kernel(&space, &["net/ipv6/conf/all/disable_ipv6=1"])?;
        for network in 0..self.config.networks {
            self.build_bridge(&space, &names::bridge(network, 0))?;
        }
        let Wiring::TwoSwitches { uplink, .. } = self.config.wiring else {
            return Ok(());
        };
        self.build_bridge(&space, &names::bridge(0, 1))?;
        let mtu = self.config.mtu;
        tool::words(&format!(
            "ip -n {space} link add ul0 mtu {mtu} type veth peer name ul1 mtu {mtu}"
        ))?;
        for side in [0, 1] {
            let bridge = names::bridge(0, side);
            tool::words(&format!(
                "ip -n {space} link set ul{side} master {bridge} up"
            ))?;
        }
        self.limit_uplink(uplink)
    }

    /// Floods multicast as an unmanaged switch does, and forwards at once.
    fn build_bridge(&self, space: &str, bridge: &str) -> Result<(), LabError> {
        let mtu = self.config.mtu;
        tool::words(&format!(
            "ip -n {space} link add {bridge} mtu {mtu} type bridge \
             stp_state 0 forward_delay 0 mcast_snooping 0"
        ))?;
        tool::words(&format!("ip -n {space} link set {bridge} up")).map(|_| ())
    }

    fn build_host(&self, number: u8) -> Result<Host, LabError> {
        let space = names::host(&self.name, number);
        tool::words(&format!("ip netns add {space}"))?;
        // Addresses work at once, without asking whether somebody else has them.
        host::set_kernel(
            &space,
            &[
                "net/ipv6/conf/all/accept_dad=0",
                "net/ipv6/conf/default/accept_dad=0",
                "net/ipv6/conf/default/accept_ra=0",
                "net/ipv4/ping_group_range=0 2147483647",
            ],
        )?;
        host::set_congestion_control(&space)?;
        tool::words(&format!("ip -n {space} link set lo up"))?;
        let host = Host::new(&self.name, number, &self.config);
        if self.config.wiring != Wiring::Cable {
            for network in 0..self.config.networks {
                self.plug_in(&host, network)?;
            }
        }
        Ok(host)
    }

    fn plug_in(&self, host: &Host, network: u8) -> Result<(), LabError> {
        let Self { name, config, .. } = self;
        let (switches, space) = (names::switches(name), host.namespace());
        let (port, interface) = (
            names::port(host.number(), network),
            names::interface(network),
        );
        let (mtu, mac) = (config.mtu, names::mac(host.number(), network));
        tool::words(&format!(
            "ip -n {switches} link add {port} mtu {mtu} type veth \
             peer name {interface} mtu {mtu} address {mac} netns {space}"
        ))?;
        let side = match config.wiring {
            Wiring::TwoSwitches { first, .. } if network == 0 && host.number() > first => 1,
            Wiring::Switch | Wiring::TwoSwitches { .. } | Wiring::Cable => 0,
        };
        let bridge = names::bridge(network, side);
        tool::words(&format!(
            "ip -n {switches} link set {port} master {bridge} up"
        ))?;
        self.bring_up(host, network)
    }

    fn join_by_cable(&self) -> Result<(), LabError> {
        let (first, second) = (self.host(1)?, self.host(2)?);
        let (mtu, peer) = (self.config.mtu, second.namespace());
        let (mac, peer_mac) = (names::mac(1, 0), names::mac(2, 0));
        tool::words(&format!(
            "ip -n {} link add eth0 mtu {mtu} address {mac} type veth \
             peer name eth0 mtu {mtu} address {peer_mac} netns {peer}",
            first.namespace()
        ))?;
        self.bring_up(first, 0)?;
        self.bring_up(second, 0)
    }

    fn bring_up(&self, host: &Host, network: u8) -> Result<(), LabError> {
        let (space, interface) = (host.namespace(), names::interface(network));
        let number = host.number();
        tool::words(&format!("ip -n {space} link set {interface} up"))?;
        match self.config.addressing {
            Addressing::Both => {
                host.change_ipv4(network, names::ipv4(number, network), 24)?;
                let address = names::ipv6(number, network);
                tool::words(&format!(
                    "ip -n {space} addr add {address}/64 dev {interface} nodad"
                ))?;
            }
            Addressing::LinkLocalV4 => {
                let address = names::ipv4_link_local(number, network);
                host.change_ipv4(network, address, 16)?;
            }
            Addressing::LinkLocalV6 => {}
        }
        if self.config.gateway && network == 0 {
            tool::words(&format!(
                "ip -n {space} route add default via 10.77.0.254 dev {interface}"
            ))?;
        }
        host.limit(network, self.config.rate, self.config.rate)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let own = format!("{}-", self.name);
        let spaces: Vec<String> = namespaces()
            .into_iter()
            .filter(|space| space.starts_with(&own))
            .collect();
        end_processes(&spaces);
        for space in spaces {
            // What cannot be removed now is found by the next lab.
            tool::words(&format!("ip netns del {space}")).ok();
        }
    }
}

/// Asks everything in the namespaces to end, then makes it.
fn end_processes(spaces: &[String]) {
    let end = Instant::now() + GRACE;
    send(spaces, Signal::TERM);
    while !pids(spaces).is_empty() {
        if Instant::now() >= end {
            send(spaces, Signal::KILL);
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn send(spaces: &[String], signal: Signal) {
    for pid in pids(spaces) {
        // It may have ended in the meantime.
        rustix::process::kill_process(pid, signal).ok();
    }
}

/// What runs in the namespaces, without this process, of which a thread may be inside.
fn pids(spaces: &[String]) -> Vec<Pid> {
    let own = Pid::from_raw(i32::try_from(process::id()).unwrap_or(0));
    spaces
        .iter()
        .filter_map(|space| tool::words(&format!("ip netns pids {space}")).ok())
        .flat_map(|listed| {
            let pids = listed.split_whitespace().map(str::parse);
            pids.filter_map(|pid| Pid::from_raw(pid.ok()?))
                .collect::<Vec<_>>()
        })
        .filter(|pid| Some(*pid) != own)
        .collect()
}

/// Removes empty namespaces of labs whose process was killed.
fn remove_abandoned() {
    for space in namespaces() {
        let Some(maker) = names::maker(&space) else {
            continue;
        };
        let gone = matches!(
            Path::new("/proc").join(maker.to_string()).try_exists(),
            Ok(false)
        );
        if gone && pids(std::slice::from_ref(&space)).is_empty() {
            tool::words(&format!("ip netns del {space}")).ok();
        }
    }
}

fn namespaces() -> Vec<String> {
    let entries = std::fs::read_dir("/run/netns").into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect()
}
