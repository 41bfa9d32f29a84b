//! The fastest BitTorrent client of the comparison: every piece is checked with SHA-1, nothing is
//! encrypted. Discovery is off, the receiver is told where the sender is.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use lanspread_lab::{Host, Process};

use super::{
    contender::{Contender, Stage, measure_to_end, printed_version, wait_for},
    meter::Cost,
};

/// Where the sender is asked to make a torrent.
const API_PORT: u16 = 3030;
/// Where it sends.
const PORT: u16 = 4240;

/// rqbit.
#[derive(Debug)]
pub(super) struct Rqbit;

impl Contender for Rqbit {
    fn name(&self) -> &'static str {
        "rqbit"
    }

    fn version(&self) -> Option<String> {
        printed_version(Path::new("rqbit"), "--version")
    }

    fn send(&self, stage: &Stage) -> Result<Cost> {
        let address = stage.sender()?.ipv4(0);
        let api = format!("{address}:{API_PORT}");
        let mut server = command(stage.sender()?, stage, "rqbit-sender")?;
        server.args(["--http-api-listen-addr", &api, "--http-api-allow-create"]);
        server.args(["--listen-port", &PORT.to_string()]);
        server.args(["server", "start", "--disable-persistence"]);
        server.arg(stage.scratch("rqbit")?);
        let server = Process::spawn(server)?;
        let torrent = publish(stage, &api)?;

        let mut client = command(stage.receiver()?, stage, "rqbit-receiver")?;
        client.args(["download", "--exit-on-finish", "--disable-http-api"]);
        client.args(["--initial-peers", &format!("{address}:{PORT}")]);
        client.arg("--output-folder").arg(stage.received_games());
        client.arg(torrent);
        measure_to_end(client, &server)
    }
}

fn command(host: &Host, stage: &Stage, log: &str) -> Result<std::process::Command> {
    let mut command = host.command("rqbit");
    command.args(["--disable-dht", "--disable-lsd", "--disable-trackers"]);
    command.arg("--disable-upnp-port-forward");
    let log = stage.log(log)?;
    command.stdout(log.try_clone()?).stderr(log);
    Ok(command)
}

/// Lets the sender hash the source and serve it; returns the torrent.
fn publish(stage: &Stage, api: &str) -> Result<PathBuf> {
    let torrent = stage.scratch("rqbit")?.join("source.torrent");
    let sender = stage.sender()?;
    let list = format!("http://{api}/torrents");
    wait_for("an answer of rqbit", || {
        Ok(sender.run("curl", ["-sS", "--fail", &list]).ok())
    })?;
    let create = format!("http://{api}/torrents/create?output=torrent");
    let mut ask = sender.command("curl");
    ask.args(["-sS", "--fail", "--data"]).arg(stage.source());
    ask.arg("--output").arg(&torrent).arg(create);
    if !ask.status()?.success() {
        bail!("rqbit made no torrent");
    }
    let stats = format!("http://{api}/torrents/0/stats/v1");
    wait_for("rqbit's check of its source", || {
        let text = sender.run("curl", ["-sS", "--fail", &stats])?;
        let stats: serde_json::Value = serde_json::from_str(&text)?;
        let is = |key: &str, value: serde_json::Value| stats.get(key) == Some(&value);
        Ok((is("finished", true.into()) && is("state", "live".into())).then_some(()))
    })?;
    Ok(torrent)
}
