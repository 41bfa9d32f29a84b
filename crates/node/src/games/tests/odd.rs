//! What is found on disk that no operation left there.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_game_whose_record_cannot_be_read_is_not_touched() {
    for name in ["install_intent", "install_record"] {
        let (anna, berta) = two().await;
        berta.done(berta.get(AfterDownload::Install).await).await;
        anna.publish("1.1").await;
        let record = berta.dir.path().join("state/games/quake").join(name);
        let dir = berta.stop().await;
        let before = std::fs::read(&record).ok();
        std::fs::write(&record, [7; 300]).unwrap();
        let berta = Person::start_in(dir).await;
        berta.connect(&anna).await;
        berta.until_offered("1.1").await;
        let told = |view: &Snapshot| {
            let mut problems = view.problems.iter();
            problems.any(|p| p.code == "unreadable-record" && p.message.contains(name))
        };
        berta.until("told", told).await;
        let handle = berta.handle();
        let refused = [
            handle.get(request(AfterDownload::Keep)).await,
            handle.update(quake()).await,
            handle.uninstall(quake(), UserFiles::Keep).await,
            handle.remove(quake(), WhileInstalled::KeepInstalled).await,
            handle.verify(quake(), ChangedFiles::Leave).await,
        ];
        for result in refused {
            let names =
                matches!(&result, Err(OperationError::Record { path, .. }) if *path == record);
            assert!(names, "{result:?}");
        }
        assert!(!berta.game_dir().join(".incoming").exists());
        check_files(&berta.game_dir().join("local"), "1.0");
        match before {
            Some(bytes) => std::fs::write(&record, bytes).unwrap(),
            None => std::fs::remove_file(&record).unwrap(),
        }
        handle.rescan().await.unwrap();
        berta.until("mended", |view| !told(view)).await;
        let updated = berta.handle().update(quake()).await.unwrap();
        berta.done(updated).await;
        check_files(&berta.game_dir().join("local"), "1.1");
        anna.stop().await;
        berta.stop().await;
    }
}

/// A download that was cancelled in its middle.
async fn cancelled(berta: &Person) {
    limit(berta, Some(1 << 20), 2).await;
    let operation = berta.get(AfterDownload::Keep).await;
    let some = |game: &GameView| game.operation.as_ref().is_some_and(|o| o.done_bytes > 0);
    berta.until_game("some pieces", some).await;
    berta
        .handle()
        .cancel(quake(), Partials::Keep)
        .await
        .unwrap();
    assert!(matches!(berta.ended(operation).await, Phase::Cancelled));
    limit(berta, None, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_cancel_kept_can_be_dropped_also_by_the_next_node() {
    let (anna, berta) = two().await;
    let has_partial = |view: &Snapshot| game_of(view).is_some_and(|g| g.local.partial_bytes > 0);
    cancelled(&berta).await;
    let berta = Person::start_in(berta.stop().await).await;
    berta.until("unfinished", has_partial).await;
    let handle = berta.handle();
    handle.cancel(quake(), Partials::Discard).await.unwrap();
    berta.until("gone", |view| !has_partial(view)).await;
    assert!(!berta.game_dir().exists());
    assert_eq!(berta.journals(), 0);
    berta.connect(&anna).await;
    berta.until_offered("1.0").await;
    cancelled(&berta).await;
    let removed = handle.remove(quake(), WhileInstalled::Refuse).await;
    berta.done(removed.unwrap()).await;
    assert!(!berta.game_dir().exists());
    assert_eq!(berta.journals(), 0);
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_get_after_a_cancel_begins_when_that_has_ended() {
    let (anna, berta) = two().await;
    limit(&berta, Some(1 << 20), 2).await;
    let first = berta.get(AfterDownload::Keep).await;
    let some = |game: &GameView| game.operation.as_ref().is_some_and(|o| o.done_bytes > 0);
    berta.until_game("some pieces", some).await;
    berta
        .handle()
        .cancel(quake(), Partials::Keep)
        .await
        .unwrap();
    let second = berta.get(AfterDownload::Keep).await;
    assert!(first != second);
    limit(&berta, None, 2).await;
    berta.done(second).await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

/// What a person put beside a download is no part of it, whatever it makes of the game.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remove_takes_what_was_downloaded_and_nothing_else() {
    let refused = |view: &Snapshot| {
        let game = game_of(view);
        game.is_some_and(|g| matches!(g.local.not_shared, Some(NotShared::Refused { .. })))
    };
    let is_another = |view: &Snapshot| {
        let mine = game_of(view).and_then(|game| game.local.content);
        let contents = game_of(view).map_or(0, |game| game.contents.len());
        mine.is_some() && contents == 2
    };
    for (stray, seen) in [
        ("a:b", &refused as &dyn Fn(&Snapshot) -> bool),
        ("notes.txt", &is_another),
    ] {
        let (anna, berta) = two().await;
        berta.done(berta.get(AfterDownload::Keep).await).await;
        let stray = berta.game_dir().join(stray);
        std::fs::write(&stray, "mine").unwrap();
        berta.handle().rescan().await.unwrap();
        berta.until("seen", seen).await;
        let remove = berta.handle().remove(quake(), WhileInstalled::Refuse).await;
        berta.done(remove.unwrap()).await;
        let left: Vec<_> = std::fs::read_dir(berta.game_dir())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(left, [stray]);
        anna.stop().await;
        berta.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_that_rotted_is_not_installed() {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Keep).await).await;
    let berta = rotten(berta).await;
    let install = berta.handle().install(quake()).await.unwrap();
    let phase = berta.ended(install).await;
    let named = |path: &lanspread_proto::RelPath| path.as_str() == "maps/q3dm17.bsp";
    assert!(
        matches!(&phase, Phase::Failed(OperationError::Rotten { path, .. }) if named(path)),
        "{phase:?}"
    );
    assert!(!berta.game_dir().join("local").exists());
    let withheld = |game: &GameView| game.local.not_shared.is_some();
    berta.until_game("not shared", withheld).await;
    anna.stop().await;
    berta.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_spelled_otherwise_is_the_same_game() {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Install).await).await;
    let other = berta.dir.path().join("games/QUAKE");
    std::fs::rename(berta.game_dir(), &other).unwrap();
    let moved = |game: &GameView| {
        let is_here = game.local.downloaded.is_some() && game.local.installed.is_some();
        is_here && game.folder.as_ref() == Some(&other)
    };
    berta.until_game("found", moved).await;
    let uninstall = berta.handle().uninstall(quake(), UserFiles::Keep).await;
    berta.done(uninstall.unwrap()).await;
    std::fs::remove_dir_all(&other).unwrap();
    let gone = |game: &GameView| game.local.downloaded.is_none();
    berta.until_game("gone", gone).await;
    // Made anew, it is the place for the download, whether anybody has told or not.
    std::fs::create_dir_all(&other).unwrap();
    berta.done(berta.get(AfterDownload::Keep).await).await;
    check_files(&other, "1.0");
    assert!(!berta.game_dir().exists());
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn games_and_state_stay_apart() {
    let anna = Person::start().await;
    anna.publish("1.0").await;
    let root = anna.dir.path();
    for dir in ["state", "state/games", "state/new", "."] {
        let dir = root.join(dir);
        for how in [GamesMove::UseAsItIs, GamesMove::Move] {
            let refused = anna.handle().set_games_dir(dir.clone(), how).await;
            let error = refused.unwrap_err();
            assert_eq!(error.code(), "not-apart", "{}: {error}", dir.display());
        }
    }
    assert!(!root.join("state/new").exists());
    let view = anna.handle().snapshot();
    assert_eq!(view.me.games_dir, root.join("games"));
    check_files(&anna.game_dir(), "1.0");
    let elsewhere = root.join("elsewhere");
    let (handle, how) = (anna.handle(), GamesMove::Move);
    handle.set_games_dir(elsewhere.clone(), how).await.unwrap();
    check_files(&elsewhere.join("quake"), "1.0");
    anna.stop().await;
}
