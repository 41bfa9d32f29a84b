//! The games directory changes, goes away, or holds what a kill left.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn games_move_to_another_directory_while_changes_are_reported() {
    let anna = Person::start().await;
    anna.publish("1.0").await;
    for (name, how) in [
        ("elsewhere", GamesMove::Move),
        ("empty", GamesMove::UseAsItIs),
        ("elsewhere", GamesMove::UseAsItIs),
    ] {
        let dir = anna.dir.path().join(name);
        let handle = anna.handle();
        // A scan may be under way at any time.
        let (moved, _scanned) =
            tokio::join!(handle.set_games_dir(dir.clone(), how), handle.rescan());
        moved.unwrap();
        let there = name == "elsewhere";
        anna.until("moved", |view| {
            let local = game_of(view).is_some_and(|game| game.local.content.is_some());
            view.me.games_dir == dir && local == there
        })
        .await;
    }
    anna.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_games_directory_that_is_gone_keeps_what_needs_it_waiting() {
    let (anna, berta) = two().await;
    let (games, away) = (
        berta.dir.path().join("games"),
        berta.dir.path().join("away"),
    );
    std::fs::rename(&games, &away).unwrap();
    drop(berta.handle().rescan().await);
    let gone = |view: &Snapshot| view.me.games_dir_state == GamesDirState::Unavailable;
    berta.until("unavailable", gone).await;
    let refused = berta.handle().get(request(AfterDownload::Keep)).await;
    let error = refused.unwrap_err();
    assert!(
        matches!(error, OperationError::GamesDirUnavailable(_)),
        "{error}"
    );
    std::fs::rename(&away, &games).unwrap();
    berta.handle().rescan().await.unwrap();
    // One that has begun waits, and goes on by itself.
    let slow = Settings {
        down_rate_max: Some(1 << 20),
        ..Settings::default()
    };
    berta.handle().set_settings(slow).await.unwrap();
    let operation = berta.get(AfterDownload::Keep).await;
    let begun = |game: &GameView| game.operation.as_ref().is_some_and(|o| o.done_bytes > 0);
    berta.until_game("some bytes", begun).await;
    std::fs::rename(&games, &away).unwrap();
    let waits = |phase: &Phase| matches!(phase, Phase::WaitingForGamesDir);
    berta.until_phase("waiting", waits).await;
    std::fs::rename(&away, &games).unwrap();
    berta
        .handle()
        .set_settings(Settings::default())
        .await
        .unwrap();
    berta.done(operation).await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_interrupted_packing_left_is_no_obstacle() {
    let anna = Person::start().await;
    // As a power cut leaves it.
    std::fs::create_dir(anna.game_dir()).unwrap();
    std::fs::write(anna.game_dir().join(".lanspread_packing"), "torn").unwrap();
    let source = anna.dir.path().join("quake");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("quake.exe"), "program").unwrap();
    settle(&source);
    let request = PublishRequest {
        source,
        version: VersionLabel::parse("1.0").unwrap(),
        how: PublishHow::Move,
    };
    let operation = anna.handle().publish(request.clone()).await.unwrap();
    anna.done(operation).await;
    assert!(!anna.game_dir().join(".lanspread_packing").exists());
    // A game that is there is never replaced.
    std::fs::create_dir(&request.source).unwrap();
    let operation = anna.handle().publish(request).await.unwrap();
    let phase = anna.ended(operation).await;
    assert!(
        matches!(
            &phase,
            Phase::Failed(OperationError::Publish { code: "exists", .. })
        ),
        "{phase:?}"
    );
    anna.stop().await;
}
