use std::{io::Cursor, sync::mpsc as sync_mpsc};

use lanspread_api::front::Front;
use lanspread_node::play::Cover;
use tokio::sync::watch;

use super::*;

/// A household that answers at once, except for `peers`, which never answers.
#[derive(Clone)]
struct Scripted {
    notices: broadcast::Sender<Notice>,
}

impl Household for Scripted {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is all alike here")]
    async fn call(&self, command: Command) -> Result<Reply, Report> {
        match command {
            Command::Peers => std::future::pending().await,
            Command::Rescan => Ok(Reply::Done),
            Command::Install { game } => {
                let message = format!("{game} is not downloaded");
                Err(Report::new("not-downloaded", message))
            }
            _ => Ok(Reply::Started { operation: 3 }),
        }
    }

    async fn cover(&self, _game: &str) -> Result<Option<Cover>, Report> {
        panic!("lines of JSON carry no pictures")
    }

    fn fronts(&self) -> watch::Receiver<Front> {
        panic!("lines of JSON carry no state by themselves")
    }

    fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }
}

/// Hands every line on.
struct Lines(sync_mpsc::SyncSender<String>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).into_owned();
        let closed = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0.send(text).map_err(closed)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn started() -> Started {
    Started {
        version: "1.2.3",
        name: "Box".to_owned(),
        peer: "07".repeat(4),
        words: "some-words".to_owned(),
        addresses: vec![([10, 0, 0, 1], 47_100).into()],
        games_dir: "/games".to_owned(),
        api: ([127, 0, 0, 1], 4_711).into(),
        pid: 7,
    }
}

fn scripted() -> Scripted {
    Scripted {
        notices: broadcast::channel(8).0,
    }
}

/// All lines that come out for these lines in.
fn exchange_all(input: &str) -> Vec<String> {
    let (tx, rx) = sync_mpsc::sync_channel(1_024);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let input = Cursor::new(input.to_owned().into_bytes());
    runtime.block_on(run(scripted(), started(), input, Lines(tx)));
    rx.into_iter().collect()
}

#[test]
fn replies_carry_the_id_of_their_command() {
    let mut lines = exchange_all(
        "{\"id\":1,\"command\":\"get\",\"game\":\"quake\"}\n\n\
         {\"command\":\"rescan\",\"id\":\"a\"}\n\
         {\"id\":{\"b\":2},\"command\":\"install\",\"game\":\"quake\"}\n\
         {\"id\":4,\"command\":\"get\"}\n\
         what\n\
         {\"command\":\"rescan\"}",
    );
    lines[1..].sort();
    let starts: Vec<String> = lines
        .iter()
        .map(|line| line.chars().take(64).collect::<String>())
        .collect();
    insta::assert_snapshot!(starts.join("\n"), @r#"
    {"started":{"version":"1.2.3","name":"Box","peer":"07070707","wo
    {"id":"a","reply":"done"}

    {"id":1,"reply":"started","operation":3}

    {"id":4,"error":{"kind":"user","code":"bad-request","message":"m
    {"id":null,"error":{"kind":"user","code":"bad-request","message"
    {"id":null,"reply":"done"}

    {"id":{"b":2},"error":{"kind":"user","code":"not-downloaded","me
    "#);
}

#[test]
fn what_takes_long_holds_nothing_up_and_ends_with_the_input() {
    let lines =
        exchange_all("{\"id\":1,\"command\":\"peers\"}\n{\"id\":2,\"command\":\"rescan\"}\n");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].contains(r#""id":2"#));
}

#[test]
fn long_lines_are_refused_and_skipped() {
    let long = "x".repeat(usize::try_from(LINE_BYTES_MAX).unwrap() + 1);
    let lines = exchange_all(&format!(
        "{long}\n{{\"id\":1,\"command\":\"rescan\"}}\n{long}"
    ));
    let refused = lines.iter().filter(|line| line.contains("too-large"));
    assert_eq!(refused.count(), 2);
    assert!(
        lines
            .iter()
            .any(|line| line.contains(r#""id":1,"reply":"done""#))
    );
}

#[tokio::test]
async fn notices_come_as_they_happen_and_are_numbered() {
    let household = scripted();
    let (tx, rx) = sync_mpsc::sync_channel(1_024);
    let (input, keep_open) = io::pipe().unwrap();
    let notices = household.notices.clone();
    let task = tokio::spawn(run(household, started(), input, Lines(tx)));
    while notices.receiver_count() == 0 {
        tokio::task::yield_now().await;
    }
    for count in [1, 2] {
        notices.send(Notice::PeerCount { count }).unwrap();
    }
    drop((notices, keep_open));
    task.await.unwrap();
    let lines: Vec<String> = rx.into_iter().skip(1).collect();
    insta::assert_snapshot!(lines.concat(), @r#"
    {"n":1,"notice":"peer_count","count":1}
    {"n":2,"notice":"peer_count","count":2}
    "#);
}

#[tokio::test]
async fn ends_when_nobody_reads() {
    let (tx, rx) = sync_mpsc::sync_channel(1_024);
    drop(rx);
    let (input, keep_open) = io::pipe().unwrap();
    run(scripted(), started(), input, Lines(tx)).await;
    drop(keep_open);
}

#[test]
fn people_are_told_how_to_go_on() {
    let text = started().for_people();
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    insta::assert_snapshot!(text, @r"
    LanSpread 1.2.3 runs as Box, words some-words
      games    /games
      listens  10.0.0.1:47100
      control  http://127.0.0.1:4711

    In another terminal:
      lanspread pair              the web page
      lanspread games             what there is
      lanspread get GAME --wait   download and install
      lanspread peers             who is here
      lanspread help              everything else

    Ctrl+C stops.
    ");
}

#[test]
fn a_reader_who_pauses_stops_nobody_else() {
    let (tx, rx) = sync_mpsc::sync_channel(0);
    let (go, begin) = sync_mpsc::sync_channel(1);
    // It reads nothing before somebody else had a turn.
    let reader = std::thread::spawn(move || {
        let had_a_turn = begin.recv_timeout(Duration::from_secs(20)).is_ok();
        had_a_turn && rx.into_iter().count() == 2
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let input = Cursor::new(b"{\"id\":1,\"command\":\"rescan\"}\n");
        let lines = tokio::spawn(run(scripted(), started(), input, Lines(tx)));
        tokio::task::yield_now().await;
        // Nobody hears it any more when the turn came too late.
        let _heard = go.send(());
        lines.await.unwrap();
    });
    assert!(reader.join().unwrap());
}
