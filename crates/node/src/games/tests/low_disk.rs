//! Low-disk installs: what is asked, what is there afterwards, and what becomes of one that stops.

use lanspread_proto::library::Availability;

use super::*;

const LOW_DISK: AfterDownload = AfterDownload::InstallLowDisk;

fn has_no_payload(person: &Person) {
    let names = std::fs::read_dir(person.game_dir()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["local"]);
    let view = person.handle().snapshot();
    let local = &game_of(&view).unwrap().local;
    assert_eq!(local.availability, Some(Availability::LocalOnly));
    assert_eq!(local.downloaded, None);
    assert_eq!(person.journals(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tree_goes_straight_into_the_staging_and_so_does_its_update() {
    let (anna, berta) = two().await;
    berta.done(berta.get(LOW_DISK).await).await;
    check_files(&berta.game_dir().join("local"), "1.0");
    has_no_payload(&berta);
    let again = berta.handle().get(request(LOW_DISK)).await;
    assert!(
        matches!(again, Err(OperationError::UpToDate(_))),
        "{again:?}"
    );

    anna.publish("1.1").await;
    let newer = |game: &GameView| game.update_available;
    berta.until_game("update available", newer).await;
    std::fs::write(berta.game_dir().join("local/save.dat"), "won").unwrap();
    let update = berta.handle().update(quake()).await;
    berta.done(update.unwrap()).await;
    check_files(&berta.game_dir().join("local"), "1.1");
    has_no_payload(&berta);
    let save = berta.game_dir().join("local/save.dat");
    assert_eq!(std::fs::read_to_string(save).unwrap(), "won");

    // Asked for, the payload comes all the same.
    berta.done(berta.get(AfterDownload::Keep).await).await;
    check_files(&berta.game_dir(), "1.1");
    anna.publish("1.2").await;
    berta.until_game("update available", newer).await;
    let past = berta.handle().get(request(LOW_DISK)).await;
    assert!(
        matches!(past, Err(OperationError::PayloadHere(_))),
        "{past:?}"
    );
    berta
        .done(berta.handle().update(quake()).await.unwrap())
        .await;
    check_files(&berta.game_dir(), "1.2");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stops_leaves_nothing_and_begins_anew_with_the_node() {
    let (anna, berta) = two().await;
    berta.handle().files(quake(), None).await.unwrap();
    share(&anna, false).await;
    let operation = berta.get(LOW_DISK).await;
    let waits = |phase: &Phase| matches!(phase, Phase::WaitingForSource);
    berta.until_phase("waiting", waits).await;
    assert_eq!(berta.get(LOW_DISK).await, operation);
    for then in [AfterDownload::Install, AfterDownload::Keep] {
        let other = berta.handle().get(request(then)).await;
        assert!(
            matches!(other, Err(OperationError::Busy { .. })),
            "{other:?}"
        );
    }
    berta
        .handle()
        .cancel(quake(), Partials::Keep)
        .await
        .unwrap();
    let end = berta.ended(operation).await;
    assert!(matches!(end, Phase::Cancelled), "{end:?}");
    let left = std::fs::read_dir(berta.game_dir()).map(Iterator::count);
    assert_eq!(left.unwrap_or(0), 0);

    let operation = berta.get(LOW_DISK).await;
    let begun = |game: &GameView| {
        let now = game.operation.as_ref();
        now.is_some_and(|o| o.operation == operation && waits(&o.phase))
    };
    berta.until_game("waiting again", begun).await;
    let berta = Person::start_in(berta.stop().await).await;
    berta.connect(&anna).await;
    share(&anna, true).await;
    let done = |phase: &Phase| matches!(phase, Phase::Done);
    berta.until_phase("done by itself", done).await;
    check_files(&berta.game_dir().join("local"), "1.0");
    has_no_payload(&berta);
    anna.stop().await;
    berta.stop().await;
}
