//! What many parties do: a web server, and a client that fetches eight files at a time. Nothing is
//! checked on arrival.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use lanspread_lab::Process;

use super::{
    contender::{Contender, Stage, measure_to_end, printed_version, wait_for},
    meter::Cost,
};

/// nginx and curl.
#[derive(Debug)]
pub(super) struct Nginx;

impl Contender for Nginx {
    fn name(&self) -> &'static str {
        "nginx + curl"
    }

    fn version(&self) -> Option<String> {
        let nginx = printed_version(Path::new("nginx"), "-v")?;
        let curl = printed_version(Path::new("curl"), "--version")?;
        let curl = curl.split(" (").next().unwrap_or_default().to_string();
        let nginx = nginx.rsplit(' ').next().unwrap_or_default();
        Some(format!("{nginx}, {curl}"))
    }

    fn send(&self, stage: &Stage) -> Result<Cost> {
        let directory = stage.scratch("nginx")?;
        let sender = stage.sender()?;
        fs::write(directory.join("nginx.conf"), configuration(&stage.games()))?;
        let mut server = sender.command("nginx");
        server.arg("-p").arg(&directory).args(["-c", "nginx.conf"]);
        server.stderr(stage.log("nginx")?);
        let server = Process::spawn(server)?;
        let address = sender.ipv4(0);
        let page = format!("http://{address}/{}/version.ini", stage.dataset.name());
        wait_for("an answer of nginx", || {
            let asked = stage.receiver()?.run("curl", ["-sS", "--fail", &page]);
            Ok(asked.ok())
        })?;

        let mut list = String::new();
        let base = format!("http://{address}/{}", stage.dataset.name());
        add_below(&stage.source(), &base, &stage.target(), &mut list)?;
        let list_file = directory.join("list");
        fs::write(&list_file, list)?;
        let mut client = stage.receiver()?.command("curl");
        client.args(["-sS", "--fail", "--create-dirs", "-Z"]);
        client.args(["--parallel-max", "8", "-K"]).arg(list_file);
        client.stderr(stage.log("curl")?);
        measure_to_end(client, &server)
    }
}

fn configuration(root: &Path) -> String {
    format!(
        "daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log stderr;\n\
         user root;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; sendfile on; sendfile_max_chunk 2m; tcp_nopush on;\n\
         client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n\
         uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n\
         server {{ listen 80; root {}; }} }}\n",
        root.display()
    )
}

/// A line with the URL and one with the place for each file.
fn add_below(from: &Path, url: &str, to: &Path, list: &mut String) -> Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let (url, to): (String, PathBuf) = (format!("{url}/{name}"), to.join(&name));
        if entry.file_type()?.is_dir() {
            add_below(&entry.path(), &url, &to, list)?;
        } else {
            list.push_str(&format!("url = \"{url}\"\noutput = \"{}\"\n", to.display()));
        }
    }
    Ok(())
}
