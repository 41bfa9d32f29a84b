//! Pause, cancel, discard: at any time, and nothing verified is lost.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_download_moves_nothing_until_it_is_resumed() {
    let (anna, berta) = two().await;
    let carla = Person::start().await;
    carla.connect(&anna).await;
    carla.until_offered("1.0").await;
    let operation = berta.get(AfterDownload::Keep).await;
    // In whatever phase it is now: at the beginning, most likely.
    berta.handle().pause(quake()).await.unwrap();
    let paused = |game: &GameView| {
        let open = game.operation.as_ref();
        open.is_some_and(|o| matches!(o.phase, Phase::Paused) && o.total_bytes > 0)
    };
    berta.until_game("paused", paused).await;
    let before = game_of(&berta.handle().snapshot())
        .unwrap()
        .operation
        .clone();
    let before = before.unwrap();
    assert!(before.done_bytes < before.total_bytes, "{before:?}");
    // Time for all the rest, if somebody sent it: somebody else gets the whole game.
    carla.done(carla.get(AfterDownload::Keep).await).await;
    let now = game_of(&berta.handle().snapshot())
        .unwrap()
        .operation
        .clone();
    let now = now.unwrap();
    assert!(matches!(now.phase, Phase::Paused), "{now:?}");
    assert!(now.done_bytes < now.total_bytes, "{now:?}");
    berta.handle().resume(quake()).await.unwrap();
    berta.done(operation).await;
    carla.stop().await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_works_at_any_time() {
    let (anna, berta) = two().await;
    let mut handle = berta.handle().watch();
    let mut cancelled_in = std::collections::BTreeSet::new();
    for after in 0..12_u32 {
        let operation = berta.get(AfterDownload::Install).await;
        // Each time a few more snapshots later: another phase, or too late.
        for _ in 0..after / 4 {
            handle.changed().await.unwrap();
        }
        let partials = [Partials::Keep, Partials::Discard][after as usize % 2];
        if berta.handle().cancel(quake(), partials).await.is_ok() {
            cancelled_in.insert(after);
        }
        let phase = berta.ended(operation).await;
        assert!(
            matches!(phase, Phase::Cancelled | Phase::Done),
            "{after}: {phase:?}"
        );
        let view = berta.handle().snapshot();
        let local = game_of(&view).unwrap().local.clone();
        if local.installed.is_some() {
            check_files(&berta.game_dir().join("local"), "1.0");
            let uninstall = berta.handle().uninstall(quake(), UserFiles::Purge).await;
            berta.done(uninstall.unwrap()).await;
        }
        if local.downloaded.is_some() {
            check_files(&berta.game_dir(), "1.0");
            let remove = berta.handle().remove(quake(), WhileInstalled::Refuse).await;
            berta.done(remove.unwrap()).await;
            assert_eq!(berta.journals(), 0, "{after}");
        }
    }
    assert!(!cancelled_in.is_empty());
    berta.done(berta.get(AfterDownload::Install).await).await;
    assert_eq!(berta.journals(), 0);
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_outlives_cancel_pause_and_stop_until_it_is_discarded() {
    let (anna, berta) = two().await;
    limit(&berta, Some(1 << 20), 2).await;
    let some = |game: &GameView| {
        let open = game.operation.as_ref().filter(|o| !o.phase.is_end());
        open.is_some_and(|operation| operation.done_bytes > 0)
    };
    let operation = berta.get(AfterDownload::Keep).await;
    berta.until_game("some pieces", some).await;
    berta
        .handle()
        .cancel(quake(), Partials::Keep)
        .await
        .unwrap();
    assert!(matches!(berta.ended(operation).await, Phase::Cancelled));
    let kept = |view: &Snapshot| game_of(view).unwrap().local.partial_bytes;
    assert!(kept(&berta.handle().snapshot()) > 0);
    assert_eq!(berta.journals(), 1);

    // Paused it stays over a stop, and does nothing by itself.
    berta.get(AfterDownload::Keep).await;
    berta.until_game("goes on", some).await;
    berta.handle().pause(quake()).await.unwrap();
    let berta = Person::start_in(berta.stop().await).await;
    berta.connect(&anna).await;
    berta
        .until_phase("paused", |phase| matches!(phase, Phase::Paused))
        .await;
    berta.until_offered("1.0").await;
    assert!(berta.game_dir().join(".incoming").exists());
    // It still waits, and is given up with all that was there of it.
    berta
        .handle()
        .cancel(quake(), Partials::Discard)
        .await
        .unwrap();
    let end = |phase: &Phase| matches!(phase, Phase::Cancelled);
    berta.until_phase("cancelled", end).await;
    assert!(!berta.game_dir().exists());
    assert_eq!(berta.journals(), 0);
    berta.done(berta.get(AfterDownload::Keep).await).await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_is_over_at_once_stops_nobody() {
    let (anna, berta) = two().await;
    limit(&berta, Some(1 << 20), 2).await;
    let operation = berta.get(AfterDownload::Keep).await;
    let some = |game: &GameView| {
        let open = game.operation.as_ref();
        open.is_some_and(|operation| operation.done_bytes > 0)
    };
    berta.until_game("some pieces", some).await;
    for _ in 0..20 {
        share(&anna, false).await;
        share(&anna, true).await;
    }
    limit(&berta, None, 2).await;
    berta.done(operation).await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}
