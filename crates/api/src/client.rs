//! [`Client`]: asks a running node over its control server, and waits for the answer.

use std::{fmt, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use ureq::Agent;

use crate::{
    error::Report,
    http::ErrorBody,
    types::{Command, Reply, Snapshot},
};

/// A node on this machine accepts a connection at once, or is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest command is a dial, which gives up earlier than this.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// No answer is longer: the state of some ten thousand games.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// What a running node leaves in its state directory for clients: `api.json`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiFile {
    /// Where the control server listens.
    pub address: SocketAddr,
    /// What a caller must show.
    pub token: String,
    /// The process of the node.
    pub pid: u32,
}

impl fmt::Debug for ApiFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiFile")
            .field("address", &self.address)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

/// Asks a running node.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    file: ApiFile,
}

impl Client {
    /// A client of the node that left the file; nothing is sent yet.
    #[must_use]
    pub fn new(file: ApiFile) -> Self {
        let config = Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(ANSWER_TIMEOUT))
            .http_status_as_error(false)
            // The token is for this machine: no proxy of the environment, no other place.
            .proxy(None)
            .max_redirects(0)
            .build();
        Self {
            agent: config.new_agent(),
            file,
        }
    }

    /// Where the node is.
    #[must_use]
    pub const fn file(&self) -> &ApiFile {
        &self.file
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Errors
    /// What the node reports; `no-node` when nobody answers, `bad-reply` when something else does.
    pub fn call(&self, command: &Command) -> Result<Reply, Report> {
        let request = self
            .agent
            .post(format!("http://{}/api/rpc", self.file.address))
            .header("Authorization", format!("Bearer {}", self.file.token));
        let mut response = request
            .send_json(command)
            .map_err(|error| self.no_answer(&error))?;
        let status = response.status();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        if status.is_success() {
            return body.read_json().map_err(|error| self.bad_answer(&error));
        }
        match body.read_json::<ErrorBody>() {
            // Another program's node, or one that was started anew meanwhile.
            Ok(ErrorBody { error }) if error.code == "no-token" => Err(self.no_node(error.message)),
            Ok(ErrorBody { error }) => Err(error),
            Err(error) => Err(self.bad_answer(&error)),
        }
    }

    /// The newest snapshot.
    ///
    /// # Errors
    /// See [`Client::call`].
    pub fn snapshot(&self) -> Result<Snapshot, Report> {
        let reply = self.call(&Command::Snapshot)?;
        let Reply::Snapshot(snapshot) = reply else {
            return Err(unexpected(&reply));
        };
        Ok(*snapshot)
    }

    /// Nobody is there; or somebody is, and says nothing: starting another one would be no help.
    fn no_answer(&self, error: &ureq::Error) -> Report {
        if matches!(error, ureq::Error::Timeout(_)) {
            let ApiFile { address, pid, .. } = &self.file;
            let message = format!("the node (process {pid}) does not answer at {address} in time");
            return Report::new("node-silent", message);
        }
        self.no_node(format!("{} does not answer: {error}", self.file.address))
    }

    fn no_node(&self, cause: String) -> Report {
        let message = format!(
            "no node is running (process {} has left its address)",
            self.file.pid
        );
        Report {
            causes: vec![cause],
            ..Report::new("no-node", message)
        }
    }

    fn bad_answer(&self, error: &ureq::Error) -> Report {
        let message = format!("{} gives an answer without sense", self.file.address);
        Report::new("bad-reply", message).caused_by(error)
    }
}

/// A reply that does not belong to the command.
#[must_use]
pub fn unexpected(reply: &Reply) -> Report {
    let text = serde_json::to_string(reply).unwrap_or_default();
    let start: String = text.chars().take(80).collect();
    Report::new("bad-reply", format!("the node replied {start}"))
}

#[cfg(test)]
mod tests;
