//! [`Host`]: one computer of a lab: its addresses, cables and firewall, and what runs on it.

use std::{
    ffi::OsStr,
    fs::File,
    net::{Ipv4Addr, Ipv6Addr},
    os::fd::AsFd,
    process::{Command, Stdio},
    thread,
};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::{
    config::{Addressing, LabConfig, Rate, Wiring},
    counters::{self, Counters},
    error::LabError,
    firewall::{self, Rule},
    names,
    ping::PingSeries,
    process::Process,
    tool,
};

/// What a host's network card queues: Linux's 1,000 full frames.
const CARD_QUEUE: u64 = 1000 * FRAME;
/// What a cheap 8-port switch queues for one port.
pub(crate) const SWITCH_BUFFER: u64 = 256 * 1024;
/// Where a namespace says which congestion control it uses.
pub(crate) const CONGESTION: &str = "net/ipv4/tcp_congestion_control";
/// Bytes of a full frame.
const FRAME: u64 = 1514;

/// One computer of a lab.
#[derive(Debug)]
pub struct Host {
    lab: String,
    number: u8,
    networks: u8,
    addressing: Addressing,
    has_switch: bool,
}

impl Host {
    pub(crate) fn new(lab: &str, number: u8, config: &LabConfig) -> Self {
        Self {
            lab: lab.to_string(),
            number,
            networks: config.networks,
            addressing: config.addressing,
            has_switch: config.wiring != Wiring::Cable,
        }
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// Its network namespace, as `ip netns` knows it.
    #[must_use]
    pub fn namespace(&self) -> String {
        names::host(&self.lab, self.number)
    }

    /// Its interface on a network, from 0.
    #[must_use]
    pub fn interface(&self, network: u8) -> String {
        names::interface(network)
    }

    /// Its first IPv4 address on a network. With [`Addressing::LinkLocalV6`] it has none, and
    /// nobody answers at this one.
    #[must_use]
    pub const fn ipv4(&self, network: u8) -> Ipv4Addr {
        match self.addressing {
            Addressing::LinkLocalV4 => names::ipv4_link_local(self.number, network),
            Addressing::Both | Addressing::LinkLocalV6 => names::ipv4(self.number, network),
        }
    }

    /// Its IPv6 address on a network; only with [`Addressing::Both`].
    #[must_use]
    pub const fn ipv6(&self, network: u8) -> Ipv6Addr {
        names::ipv6(self.number, network)
    }

    /// Its IPv6 link-local address on a network; needs the interface as its scope.
    #[must_use]
    pub fn ipv6_link_local(&self, network: u8) -> Ipv6Addr {
        names::ipv6_link_local(self.number, network)
    }

    /// A command that will run on this host; its process id is the program's own.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.namespace()])
            .arg(program)
            .stdin(Stdio::null());
        command
    }

    /// Starts a program on this host, with the arguments, environment and directory of a command
    /// and its output where ours goes. [`Host::command`] leaves more to say.
    ///
    /// # Errors
    /// It could not be started.
    pub fn spawn(&self, wanted: &Command) -> Result<Process, LabError> {
        let mut command = self.command(wanted.get_program());
        command.args(wanted.get_args());
        for (name, value) in wanted.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(directory) = wanted.get_current_dir() {
            command.current_dir(directory);
        }
        Process::spawn(command)
    }

    /// Runs a program on this host to its end and returns what it wrote on stdout.
    ///
    /// # Errors
    /// It could not be started, or failed.
    pub fn run<S: AsRef<OsStr>>(
        &self,
        program: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Result<String, LabError> {
        tool::finish(self.command(program).args(args))
    }

    /// Runs a function in a thread on this host: sockets that it opens are this host's, and stay so
    /// when it returns them.
    ///
    /// # Errors
    /// The thread could not enter the host.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, LabError> {
        let namespace = self.namespace();
        let enter = || -> std::io::Result<()> {
            let file = File::open(format!("/run/netns/{namespace}"))?;
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(())
        };
        let run = || enter().map(|()| work());
        let result = thread::scope(|scope| match scope.spawn(run).join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        result.map_err(|source| LabError::Enter { namespace, source })
    }

    /// Limits a cable; no rate is as fast as the machine goes. `up` is what the host sends. Works
    /// while things run. On one cable without a switch only `up` counts.
    ///
    /// # Errors
    /// There is no such network, or a tool failed.
    pub fn limit(&self, network: u8, up: Option<Rate>, down: Option<Rate>) -> Result<(), LabError> {
        let interface = self.checked(network)?;
        limit_sending(&self.namespace(), &interface, up, CARD_QUEUE)?;
        if self.has_switch {
            let port = names::port(self.number, network);
            limit_sending(&names::switches(&self.lab), &port, down, SWITCH_BUFFER)?;
        }
        Ok(())
    }

    /// Pulls the network cable out of the switch.
    ///
    /// # Errors
    /// There is no such network, no switch, or a tool failed.
    pub fn pull_cable(&self, network: u8) -> Result<(), LabError> {
        self.set_port(network, "down")
    }

    /// Plugs the network cable in again.
    ///
    /// # Errors
    /// As [`Host::pull_cable`].
    pub fn plug_cable(&self, network: u8) -> Result<(), LabError> {
        self.set_port(network, "up")
    }

    fn set_port(&self, network: u8, state: &str) -> Result<(), LabError> {
        self.checked(network)?;
        if !self.has_switch {
            return Err(LabError::NoSwitch);
        }
        let (switches, port) = (
            names::switches(&self.lab),
            names::port(self.number, network),
        );
        tool::words(&format!("ip -n {switches} link set {port} {state}")).map(|_| ())
    }

    /// Takes every IPv4 address of an interface away and gives it another, as a new lease does.
    ///
    /// # Errors
    /// There is no such network, or a tool failed.
    pub fn change_ipv4(
        &self,
        network: u8,
        address: Ipv4Addr,
        prefix_bits: u8,
    ) -> Result<(), LabError> {
        let (space, interface) = (self.namespace(), self.checked(network)?);
        tool::words(&format!("ip -n {space} -4 addr flush dev {interface}"))?;
        tool::words(&format!(
            "ip -n {space} addr add {address}/{prefix_bits} brd + dev {interface}"
        ))?;
        // Without a default route multicast and broadcast need their own; the flush took them.
        for group in ["224.0.0.0/4", "255.255.255.255/32"] {
            let metric = 100 + u32::from(network);
            tool::words(&format!(
                "ip -n {space} route add {group} dev {interface} metric {metric}"
            ))?;
        }
        Ok(())
    }

    /// Replaces the firewall; no rules is an open one.
    ///
    /// # Errors
    /// `nft` failed.
    pub fn set_firewall(&self, rules: &[Rule]) -> Result<(), LabError> {
        let ruleset = firewall::ruleset(rules);
        tool::finish(self.command("nft").arg(ruleset)).map(|_| ())
    }

    /// What went through an interface since the lab was built.
    ///
    /// # Errors
    /// There is no such network, or a tool failed.
    pub fn counters(&self, network: u8) -> Result<Counters, LabError> {
        let interface = self.checked(network)?;
        let port = self.has_switch.then(|| {
            (
                names::switches(&self.lab),
                names::port(self.number, network),
            )
        });
        counters::read(self, &interface, port)
    }

    /// Pings another host, so many times a second, until the series is stopped.
    ///
    /// # Errors
    /// `ping` could not be started.
    pub fn ping(&self, other: &Self, per_second: u32) -> Result<PingSeries, LabError> {
        PingSeries::start(self, &other.ipv4(0).to_string(), per_second)
    }

    fn checked(&self, network: u8) -> Result<String, LabError> {
        if network < self.networks {
            return Ok(names::interface(network));
        }
        Err(LabError::None(format!("network {network}")))
    }
}

/// Limits what an interface sends.
///
/// The bucket is 1 ms deep and at least 8 frames. Packets that the kernel will cut later are capped
/// to it, so that the limiter passes them whole.
pub(crate) fn limit_sending(
    space: &str,
    interface: &str,
    rate: Option<Rate>,
    queue: u64,
) -> Result<(), LabError> {
    let burst = rate.map_or(65_536, |rate| {
        let millisecond = rate.bits_per_second() / 8 / 1000;
        millisecond.clamp(8 * FRAME, 256 * 1024)
    });
    let whole = burst.min(65_536);
    tool::words(&format!(
        "ip -n {space} link set {interface} gso_max_size {whole}"
    ))?;
    let Some(rate) = rate else {
        // There may be no limit yet.
        tool::words(&format!("tc -n {space} qdisc del dev {interface} root")).ok();
        return Ok(());
    };
    let (depth, queue) = (burst + 2048, queue.max(2 * burst));
    tool::words(&format!(
        "tc -n {space} qdisc replace dev {interface} root tbf \
         rate {rate} burst {depth} limit {queue}"
    ))
    .map(|_| ())
}

/// TCP as most machines have it: cubic, and reno where a namespace may not choose that. The
/// machine's own choice would be handed down otherwise; BBR, for one, paces a cable without a rate
/// to a fraction of what it carries.
pub(crate) fn set_congestion_control(space: &str) -> Result<(), LabError> {
    set_kernel(space, &[&format!("{CONGESTION}=cubic")])
        .or_else(|_restricted| set_kernel(space, &[&format!("{CONGESTION}=reno")]))
}

/// Sets `path=value` below `/proc/sys` of a namespace.
pub(crate) fn set_kernel(space: &str, settings: &[&str]) -> Result<(), LabError> {
    let lines: Vec<String> = settings
        .iter()
        .filter_map(|setting| setting.split_once('='))
        .map(|(path, value)| format!("echo '{value}' > /proc/sys/{path}"))
        .collect();
    let script = lines.join(" && ");
    tool::run("ip", ["netns", "exec", space, "sh", "-c", &script]).map(|_| ())
}
