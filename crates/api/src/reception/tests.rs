use std::path::Path;

use lanspread_node::{Config, Node, config};

use super::*;

fn opening(first_run: Option<FirstRun>, state_dir: &Path) -> Opening {
    Opening {
        first_run,
        sessions: Sessions::default(),
        address: ([127, 0, 0, 1], 7).into(),
        others: vec!["seedbox.lan:7".to_owned()],
        state_dir: state_dir.to_owned(),
        stop: CancellationToken::new(),
    }
}

fn first_run() -> FirstRun {
    FirstRun {
        games_dir: "/games".to_owned(),
        name: "Box".to_owned(),
    }
}

async fn node(dir: &Path) -> Node {
    let config = Config {
        games_dir: dir.to_owned(),
        state_dir: dir.join("state"),
        name: PeerName::clean("Box"),
        listen: config::Listen {
            ip: Some([127, 0, 0, 1].into()),
            port: 0,
        },
        discovery: config::Discovery::Off,
        connect: Vec::new(),
        worker: config::WorkerCommand::inside("/nonexistent/worker".into()),
        settings: config::Settings::default(),
    };
    Node::start(config).await.unwrap()
}

#[tokio::test]
async fn before_the_first_start_little_is_possible() {
    let dir = tempfile::tempdir().unwrap();
    let (reception, mut inside) = Reception::open(opening(Some(first_run()), dir.path()));
    let shown = reception.snapshot();
    assert_eq!(shown.first_run, Some(first_run()));
    let refused = reception.call(Command::Rescan).await.unwrap_err();
    assert_eq!(refused.code, "not-set-up");
    let refused = reception.call(Command::OpenFolder { game: None }).await;
    assert_eq!(refused.unwrap_err().code, "not-set-up");
    assert!(matches!(
        reception.call(Command::Doctor).await,
        Ok(Reply::Findings { .. })
    ));
    assert!(matches!(
        reception.call(Command::Browse { folder: None }).await,
        Ok(Reply::Folder(_))
    ));
    for (folder, name) in [("games", "Box"), ("", "Box"), ("/games", "\u{7}")] {
        let finish = Command::FinishFirstRun {
            folder: folder.to_owned(),
            name: name.to_owned(),
        };
        assert_eq!(reception.call(finish).await.unwrap_err().code, "bad-value");
    }
    assert!(
        inside.errands.try_recv().is_err(),
        "the program was not asked"
    );
}

#[tokio::test]
async fn the_program_sets_up_and_says_what_does_not_work() {
    let dir = tempfile::tempdir().unwrap();
    let (reception, mut inside) = Reception::open(opening(Some(first_run()), dir.path()));
    let finish = || Command::FinishFirstRun {
        folder: "/elsewhere".to_owned(),
        name: "  Anna ".to_owned(),
    };
    let program = async {
        let Some(Errand::SetUp {
            games_dir,
            name,
            reply,
        }) = inside.errands.recv().await
        else {
            panic!("not asked to set up");
        };
        assert_eq!(
            (games_dir.as_path(), name.as_str()),
            (Path::new("/elsewhere"), "Anna")
        );
        reply.send(Err(Report::new("folder", "no"))).unwrap();
    };
    let (answer, ()) = tokio::join!(reception.call(finish()), program);
    assert_eq!(answer.unwrap_err().code, "folder");
    drop(inside);
    assert_eq!(reception.call(finish()).await.unwrap_err().code, "stopping");
}

#[tokio::test]
async fn a_pairing_link_holds_the_code_where_servers_do_not_see_it() {
    let dir = tempfile::tempdir().unwrap();
    let (reception, _inside) = Reception::open(opening(None, dir.path()));
    let Ok(Reply::Pairing {
        link,
        others,
        code,
        valid_ms,
    }) = reception.call(Command::Pair).await
    else {
        panic!("no code");
    };
    assert_eq!(link, format!("http://127.0.0.1:7/#pair={code}"));
    assert_eq!(others, [format!("http://seedbox.lan:7/#pair={code}")]);
    assert_eq!(valid_ms, 300_000);
    reception.doorkeeper().pair(code).await.unwrap();
}

#[tokio::test]
async fn a_node_moves_in() {
    let dir = tempfile::tempdir().unwrap();
    let (reception, mut inside) = Reception::open(opening(Some(first_run()), dir.path()));
    let mut fronts = reception.fronts();
    let node = node(dir.path()).await;
    inside.move_in(node.handle());
    fronts.wait_for(|front| front.node.is_some()).await.unwrap();
    let shown = reception.snapshot();
    assert_eq!((shown.first_run, shown.me.name.as_str()), (None, "Box"));
    assert_eq!(reception.call(Command::Rescan).await, Ok(Reply::Done));
    let finish = Command::FinishFirstRun {
        folder: "/x".to_owned(),
        name: "x".to_owned(),
    };
    assert_eq!(
        reception.call(finish).await.unwrap_err().code,
        "set-up-already"
    );
    let quit = |when| reception.call(Command::Quit { when });
    quit(QuitWhen::Idle).await.unwrap();
    assert!(reception.snapshot().quitting);
    quit(QuitWhen::Never).await.unwrap();
    assert!(!reception.snapshot().quitting);
    quit(QuitWhen::Idle).await.unwrap();
    let asked = inside.errands.recv().await;
    assert!(
        matches!(asked, Some(Errand::Quit)),
        "nobody downloads from us"
    );
    node.stop().await;
}
