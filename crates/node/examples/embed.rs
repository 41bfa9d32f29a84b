//! A peer inside another program: starts one, shows who is there, and leaves.
//!
//! `cargo run -p lanspread-node --example embed -- 192.168.1.20:47100`

use std::{error::Error, net::SocketAddr, time::Duration};

use lanspread_node::{
    Config, Node,
    config::{Discovery, Listen, Settings},
};
use lanspread_proto::text::PeerName;
use lanspread_unpack::WorkerCommand;

fn main() -> Result<(), Box<dyn Error>> {
    // The unpack worker is this program again, in a sandbox that it enters before any thread
    // starts.
    if lanspread_unpack::is_worker(std::env::args_os()) {
        lanspread_unpack::worker_main();
    }
    tokio::runtime::Runtime::new()?.block_on(look_on())
}

#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn look_on() -> Result<(), Box<dyn Error>> {
    let home = std::env::temp_dir().join(format!("lanspread-embed-{}", std::process::id()));
    let config = Config {
        games_dir: home.join("games"),
        state_dir: home.join("state"),
        name: PeerName::clean("embedded"),
        listen: Listen::default(),
        discovery: Discovery::Mdns,
        connect: addresses()?,
        worker: WorkerCommand::inside_this_program()?,
        settings: Settings::default(),
    };
    let node = Box::pin(Node::start(config)).await?;
    let handle = node.handle();
    println!("listening at {:?}", handle.snapshot().me.addresses);
    let mut snapshots = handle.watch();
    let watching = async {
        while snapshots.changed().await.is_ok() {
            let snapshot = handle.snapshot();
            let names: Vec<&str> = snapshot.peers.iter().map(|p| p.name.as_str()).collect();
            println!(
                "{} games, peers: {}",
                snapshot.games.len(),
                names.join(", ")
            );
        }
    };
    // A program would do its own work here; this one looks on for ten seconds.
    if tokio::time::timeout(Duration::from_secs(10), watching)
        .await
        .is_err()
    {
        println!("that was it");
    }
    node.stop().await;
    Ok(())
}

/// The addresses on the command line.
fn addresses() -> Result<Vec<SocketAddr>, std::net::AddrParseError> {
    std::env::args().skip(1).map(|text| text.parse()).collect()
}
