//! A second `get`, and one for what is here already.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_get_of_what_is_downloaded_installs_it() {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Keep).await).await;
    assert!(!berta.game_dir().join("local").exists());
    berta.done(berta.get(AfterDownload::Install).await).await;
    check_files(&berta.game_dir().join("local"), "1.0");
    for then in [AfterDownload::Install, AfterDownload::Keep] {
        let again = berta.handle().get(request(then)).await;
        assert!(
            matches!(again, Err(OperationError::UpToDate(_))),
            "{again:?}"
        );
    }
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_download_becomes_an_install_when_that_is_asked_for() {
    let (anna, berta) = two().await;
    berta.handle().files(quake(), None).await.unwrap();
    share(&anna, false).await;
    let operation = berta.get(AfterDownload::Keep).await;
    let waits = |phase: &Phase| matches!(phase, Phase::WaitingForSource);
    berta.until_phase("waiting", waits).await;
    assert_eq!(berta.get(AfterDownload::Install).await, operation);
    assert_eq!(berta.get(AfterDownload::Keep).await, operation);
    share(&anna, true).await;
    berta.done(operation).await;
    check_files(&berta.game_dir().join("local"), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_game_that_is_not_shared_is_not_replaced_by_an_older_one() {
    let (anna, berta) = two().await;
    berta.publish("2.0").await;
    let change = ShareChange::Game(quake(), false);
    berta.handle().share(change).await.unwrap();
    // Whoever is answered is not contradicted by the next start.
    let list = std::fs::read_to_string(berta.dir.path().join("state/unshared"));
    assert_eq!(list.unwrap(), "quake\n");
    let private = |game: &GameView| game.local.not_shared == Some(NotShared::SwitchedOff);
    berta.until_game("not shared", private).await;
    let older = berta.handle().get(request(AfterDownload::Keep)).await;
    assert!(
        matches!(older, Err(OperationError::UpToDate(_))),
        "{older:?}"
    );
    check_files(&berta.game_dir(), "2.0");
    // And one that is newer is seen.
    anna.publish("2.1").await;
    berta
        .until_game("update available", |game| game.update_available)
        .await;
    berta
        .done(berta.handle().update(quake()).await.unwrap())
        .await;
    check_files(&berta.game_dir(), "2.1");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_fetched_over_what_is_not_looked_at_yet() {
    let (anna, berta) = two().await;
    // Somebody copies a newer version into the games directory.
    std::fs::create_dir_all(berta.game_dir()).unwrap();
    std::fs::write(berta.game_dir().join("version.ini"), "2.0").unwrap();
    berta.handle().rescan().await.unwrap();
    let seen = |game: &GameView| game.local.present;
    berta.until_game("seen", seen).await;
    for result in [
        berta.handle().get(request(AfterDownload::Keep)).await,
        berta.handle().update(quake()).await,
    ] {
        assert!(
            matches!(result, Err(OperationError::Checking(_))),
            "{result:?}"
        );
    }
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_install_waits_for_the_check_of_its_payload() {
    let anna = Person::start().await;
    // Somebody copied it just now, so it is not even hashed for a while.
    write_game(&anna.game_dir(), "1.0");
    anna.handle().rescan().await.unwrap();
    let settling = |game: &GameView| game.local.not_shared == Some(NotShared::Settling);
    anna.until_game("settling", settling).await;
    let install = anna.handle().install(quake()).await.unwrap();
    anna.done(install).await;
    check_files(&anna.game_dir().join("local"), "1.0");
    anna.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_believes_the_index_and_reads_nothing_again() {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Keep).await).await;
    anna.stop().await;
    // If its bytes were read, it would not be ours any more and stay.
    let berta = rotten(berta).await;
    let remove = berta.handle().remove(quake(), WhileInstalled::Refuse).await;
    berta.done(remove.unwrap()).await;
    assert!(!berta.game_dir().exists());
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_whose_source_is_back_waits_for_its_turn() {
    let (anna, berta) = two().await;
    let doom = GameId::parse("doom").unwrap();
    let carla = Person::start().await;
    let source = carla.dir.path().join("games/doom");
    write_game(&source, "1.0");
    let publish = PublishRequest {
        source,
        version: VersionLabel::parse("1.0").unwrap(),
        how: PublishHow::Pack,
    };
    carla.handle().publish(publish).await.unwrap();
    berta.connect(&carla).await;
    let phase_of = |view: &Snapshot, game: &GameId| {
        let found = view.games.iter().find(|view| view.game == *game);
        found.and_then(|view| view.operation.as_ref().map(|o| o.phase.clone()))
    };
    let offered = |view: &Snapshot| {
        let found = view.games.iter().find(|game| game.game == doom);
        found.is_some_and(|game| !game.contents.is_empty())
    };
    berta.until("doom", offered).await;
    // The only place is free again while nobody sends.
    berta.handle().files(quake(), None).await.unwrap();
    share(&anna, false).await;
    limit(&berta, Some(1 << 20), 1).await;
    let operation = berta.get(AfterDownload::Keep).await;
    berta
        .until_phase("waiting", |phase| matches!(phase, Phase::WaitingForSource))
        .await;
    let mut other = request(AfterDownload::Keep);
    other.game = doom.clone();
    berta.handle().get(other).await.unwrap();
    let runs = |view: &Snapshot| matches!(phase_of(view, &doom), Some(Phase::Downloading));
    berta.until("doom runs", runs).await;
    share(&anna, true).await;
    berta
        .until_phase("its turn", |phase| matches!(phase, Phase::Queued))
        .await;
    let view = berta.handle().snapshot();
    assert!(runs(&view), "{:?}", phase_of(&view, &doom));
    assert_eq!(view.queue, [quake()]);
    limit(&berta, None, 1).await;
    berta.done(operation).await;
    let done = |view: &Snapshot| matches!(phase_of(view, &doom), Some(Phase::Done));
    berta.until("doom done", done).await;
    check_files(&berta.game_dir(), "1.0");
    for person in [anna, berta, carla] {
        person.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_installs_what_was_only_downloaded() {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Install).await).await;
    anna.publish("1.1").await;
    berta.until_offered("1.1").await;
    berta.done(berta.get(AfterDownload::Keep).await).await;
    let behind = |game: &GameView| game.update_available && game.local.install_is_behind();
    berta.until_game("behind", behind).await;
    check_files(&berta.game_dir().join("local"), "1.0");
    let update = berta.handle().update(quake()).await.unwrap();
    berta.done(update).await;
    check_files(&berta.game_dir().join("local"), "1.1");
    berta
        .until_game("up to date", |game| !game.update_available)
        .await;
    let again = berta.handle().update(quake()).await;
    assert!(
        matches!(again, Err(OperationError::UpToDate(_))),
        "{again:?}"
    );
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_get_of_what_is_paused_goes_on_with_it() {
    let (anna, berta) = two().await;
    limit(&berta, Some(1 << 20), 2).await;
    let operation = berta.get(AfterDownload::Keep).await;
    let some = |game: &GameView| game.operation.as_ref().is_some_and(|o| o.done_bytes > 0);
    berta.until_game("some pieces", some).await;
    berta.handle().pause(quake()).await.unwrap();
    berta
        .until_phase("paused", |phase| matches!(phase, Phase::Paused))
        .await;
    limit(&berta, None, 2).await;
    assert_eq!(berta.get(AfterDownload::Keep).await, operation);
    berta.done(operation).await;
    anna.stop().await;
    berta.stop().await;
}
