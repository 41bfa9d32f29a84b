//! How fast one lane is: 2 GiB over loopback between two processes, then within one.
//!
//! ```text
//! cargo run --release --example lane_rate -p lanspread-net [tcp|quic] [MiB]
//! ```
//! Prints GB/s and CPU seconds per GB, of both ends together and of each process.

use std::{
    error::Error,
    io::{BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use lanspread_net::{BindConfig, Endpoint, Identity, Incoming, Lane, LaneEvent};
use lanspread_proto::{
    PeerId,
    limits::DATA_BYTES_MAX,
    wire::{
        DataHeader, LinkMessage,
        lane::{LaneRole, RequestId},
        link::Sharing,
    },
};
use tokio::sync::mpsc;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    match words.as_slice() {
        ["serve", address, peer, carrier, mib] => runtime.block_on(serve(
            address.parse()?,
            peer.parse()?,
            carrier,
            mib.parse()?,
        )),
        [] => runtime.block_on(measure("tcp", 2_048)),
        [carrier] => runtime.block_on(measure(carrier, 2_048)),
        [carrier, mib, ..] => runtime.block_on(measure(carrier, mib.parse()?)),
    }
}

fn bind() -> Outcome<(Endpoint, mpsc::Receiver<Incoming>, PeerId)> {
    let identity = Arc::new(Identity::generate()?);
    let peer = identity.peer_id();
    let mut config = BindConfig::new(identity);
    config.ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    config.port = 0;
    let (endpoint, incoming) = Endpoint::bind(config)?;
    Ok((endpoint, incoming, peer))
}

/// The receiver: starts the sender as a second process and takes its lane.
async fn measure(carrier: &str, mib: u64) -> Outcome<()> {
    let (endpoint, mut incoming, peer) = bind()?;
    let address = endpoint.local_addr().to_string();
    let mut sender = Command::new(std::env::current_exe()?)
        .args([
            "serve",
            &address,
            &peer.to_string(),
            carrier,
            &mib.to_string(),
        ])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut held = Vec::new();
    let lane = loop {
        match incoming.recv().await.ok_or("closed")? {
            Incoming::Lane { lane, .. } => break lane,
            Incoming::Link(link) => held.push(link),
        }
    };
    let (cpu, start) = (cpu_time(), Instant::now());
    let bytes = receive(lane).await?;
    let (elapsed, cpu) = (start.elapsed(), cpu_time().saturating_sub(cpu));
    drop(held);
    let mut line = String::new();
    BufReader::new(sender.stdout.take().ok_or("no pipe")?).read_line(&mut line)?;
    sender.wait()?;
    let sender_cpu = Duration::from_secs_f64(line.trim().parse()?);
    report(carrier, bytes, elapsed, (cpu, sender_cpu))
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs three digits")]
fn report(
    carrier: &str,
    bytes: u64,
    elapsed: Duration,
    (receiver, sender): (Duration, Duration),
) -> Outcome<()> {
    let gigabytes = bytes as f64 / 1e9;
    let per_gb = |time: Duration| time.as_secs_f64() / gigabytes;
    writeln!(
        std::io::stdout(),
        "{carrier}: {:.2} GB/s; CPU-s/GB: receiver {:.2}, sender {:.2}",
        gigabytes / elapsed.as_secs_f64(),
        per_gb(receiver),
        per_gb(sender),
    )?;
    Ok(())
}

async fn receive(lane: Lane) -> Outcome<u64> {
    let (mut reader, _writer) = lane.split();
    let mut buffer = vec![0; usize::try_from(DATA_BYTES_MAX)?];
    let mut sum = 0;
    while let Ok(LaneEvent::Data { bytes, .. }) = reader.next().await {
        let part = buffer
            .get_mut(..usize::try_from(bytes)?)
            .ok_or("too long")?;
        reader.read_data(part).await?;
        sum += u64::from(bytes);
    }
    Ok(sum)
}

/// The sender, in its own process.
async fn serve(to: SocketAddr, peer: PeerId, carrier: &str, mib: u64) -> Outcome<()> {
    let (endpoint, _incoming, _own) = bind()?;
    let mut held = None;
    let lane = if carrier == "quic" {
        let (sender, receiver) = endpoint.dial_link(to, Some(peer)).await?.split();
        sender.send(&LinkMessage::Sharing(Sharing::On)).await?;
        let lane = sender.open_lane(LaneRole::Serve).await?;
        held = Some((sender, receiver));
        lane
    } else {
        endpoint.dial_lane(to, peer, LaneRole::Serve).await?
    };
    let (mut reader, mut writer) = lane.split();
    let payload = vec![0x5a; usize::try_from(DATA_BYTES_MAX)?];
    let header = DataHeader {
        request: RequestId(0),
        offset: 0,
    };
    let cpu = cpu_time();
    for _ in 0..mib * 1_024 * 1_024 / u64::from(DATA_BYTES_MAX) {
        writer.send_data(header, &payload).await?;
    }
    writer.finish().await?;
    let cpu = cpu_time().saturating_sub(cpu);
    // The other side hangs up when it has everything.
    let _hung_up = reader.next().await;
    drop(held);
    writeln!(std::io::stdout(), "{}", cpu.as_secs_f64())?;
    Ok(())
}

/// CPU time of this process, where Linux tells; zero elsewhere.
fn cpu_time() -> Duration {
    let ticks = || -> Option<u64> {
        #[expect(clippy::disallowed_methods, reason = "the kernel's answer, not data")]
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let (user, system): (u64, u64) =
            (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some(user + system)
    };
    // A tick is 10 ms on every Linux that people run.
    Duration::from_millis(ticks().unwrap_or(0) * 10)
}
