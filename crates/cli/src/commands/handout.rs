//! `handout`: give this program to neighbours.

use std::net::SocketAddr;

use lanspread_api::{amount::Bytes, handout::Handout};
use qrcode::{QrCode, render::unicode::Dense1x2};
use tokio_util::sync::CancellationToken;

use super::node::signals::Signals;
use crate::{
    files,
    handed_out::{self, HandedOut},
    logging,
    output::Tone,
    reached,
    report::Outcome,
    session::Session,
};

/// Give this program to neighbours who have neither it nor the internet
///
/// Serves one page with this program and the plain files that lie in handout/ in the state
/// directory (the archive for Windows, for example), each with its size and BLAKE3 sum, until
/// Ctrl+C. The code on the screen is the page's address, for a telephone. No running peer is
/// needed, and nothing of one can be reached through it.
#[derive(Debug, clap::Args)]
pub(crate) struct HandoutArgs {
    /// Where to listen; when absent, every IPv4 address, on port 47180 or the next free one
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
}

/// Columns that every terminal has.
const COLUMNS_MAX: usize = 80;

pub(crate) fn run(args: &HandoutArgs, session: &Session) -> Outcome {
    logging::install_without_file(session.verbose);
    files::create_private_dir(&handed_out::folder(&session.state))?;
    let found = handed_out::gather(&session.state)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(args, found, session))
}

async fn serve(args: &HandoutArgs, found: HandedOut, session: &Session) -> Outcome {
    let mut signals = Signals::listen()?;
    let handout = Handout::bind(args.listen, found.items.clone()).await?;
    let pages = pages(handout.address());
    let told = tell(&pages, &found, session);
    if told.is_ok() {
        tokio::select! {
            () = handout.run(CancellationToken::new()) => {}
            () = signals.next() => {}
        }
    }
    told
}

/// The addresses of the page that others can use, best first.
fn pages(listening: SocketAddr) -> Vec<String> {
    let addresses = reached::by_others(listening).into_iter();
    addresses.map(|at| format!("http://{at}/")).collect()
}

fn tell(pages: &[String], found: &HandedOut, session: &Session) -> Outcome {
    let folder = handed_out::folder(&session.state);
    if session.out.is_json() {
        return Ok(session.out.json(&serde_json::json!({
            "pages": pages,
            "folder": folder,
            "files": found.items,
            "left_out": found.left_out,
        }))?);
    }
    for item in &found.items {
        let name = session.out.paint(Tone::Strong, item.name());
        let size = Bytes(item.bytes());
        session.out.line(format!("{name}  {size}"))?;
        session
            .out
            .line(format!("  blake3 {}", item.blake3().to_hex()))?;
    }
    for line in &found.left_out {
        let mark = session.out.paint(Tone::Warn, "not handed out");
        session.out.line(format!("{mark}: {line}"))?;
    }
    if let Some(code) = pages.first().and_then(|page| code(page, session)) {
        session.out.line(format!("\n{code}"))?;
    }
    match pages {
        [] => session.out.line("\nno other machine can reach this one")?,
        [best, others @ ..] => {
            let best = session.out.paint(Tone::Strong, best);
            session.out.line(format!("\npage  {best}"))?;
            for other in others {
                session.out.line(format!("  or  {other}"))?;
            }
        }
    }
    let folder = folder.display();
    session.out.line(format!(
        "more files go into {folder}; start again then\nCtrl+C ends it"
    ))?;
    Ok(())
}

/// A picture of an address; nothing where it would not fit.
fn code(address: &str, session: &Session) -> Option<String> {
    let code = QrCode::new(address).ok()?;
    let mut drawing = code.render::<Dense1x2>();
    let colourful = session.out.is_colourful();
    if !colourful {
        // Where only letters are bright, dark is where nothing is written.
        drawing
            .dark_color(Dense1x2::Light)
            .light_color(Dense1x2::Dark);
    }
    let picture = drawing.build();
    let widest = picture.lines().map(|line| line.chars().count()).max()?;
    let fits = widest <= COLUMNS_MAX.min(session.out.width());
    let lines = picture.lines().map(|line| match colourful {
        true => session.out.paint(Tone::Paper, line),
        false => line.to_owned(),
    });
    fits.then(|| lines.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Output;

    fn session(width: usize) -> Session {
        Session {
            state: "/state".into(),
            out: Output::plain(width),
            verbose: 0,
        }
    }

    #[test]
    fn the_code_fits_every_terminal() {
        let longest = "http://[2001:db8:1111:2222:3333:4444:5555:6666]:65535/";
        for address in ["http://10.0.0.1:47180/", longest] {
            let code = code(address, &session(80)).unwrap();
            let widest = code.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(48), "{widest:?}");
            assert_eq!(super::code(address, &session(30)), None);
        }
    }
}
