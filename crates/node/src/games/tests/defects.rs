//! Our own defects and wrong bytes of others end what they must, and no more.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_defect_in_an_actor_loses_no_download() {
    let (anna, berta) = two().await;
    let limited = |rate| Settings {
        down_rate_max: rate,
        ..Settings::default()
    };
    berta
        .handle()
        .set_settings(limited(Some(2 << 20)))
        .await
        .unwrap();
    let operation = berta.get(AfterDownload::Keep).await;
    let begun = |game: &GameView| game.operation.as_ref().is_some_and(|o| o.done_bytes > 0);
    berta.until_game("some bytes", begun).await;
    for person in [&anna, &berta] {
        let handle = person.handle();
        handle.games.mailbox.send(Msg::Panic).await;
        handle.shelf.mailbox.send(crate::shelf::Msg::Panic).await;
        let again = |component| {
            move |view: &Snapshot| {
                let found = view.components.iter().find(|c| c.component == component);
                found.is_some_and(|c| c.running && c.restarts == 1)
            }
        };
        person
            .until("commands again", again(Component::Commands))
            .await;
        person
            .until("shelf again", again(Component::LibraryMonitor))
            .await;
    }
    berta.handle().set_settings(limited(None)).await.unwrap();
    berta.done(operation).await;
    check_files(&berta.game_dir(), "1.0");
    anna.stop().await;
    berta.stop().await;
}

/// A job that ends in a defect is over, and lets go of its game.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_defect_in_a_job_ends_it() {
    let anna = Person::start().await;
    anna.publish("1.0").await;
    let (mailbox, mut reports) = crate::actor::mailbox();
    let control = JobControl::new(&tokio_util::sync::CancellationToken::new());
    let game = GameId::parse("quake").unwrap();
    let job = crate::jobs::Job::new(
        OperationId(9),
        game,
        control,
        mailbox,
        lanspread_disk::space::Ledger::default().claim(),
    );
    job.carry_out(async { panic!("planted") }).await;
    let Some(Msg::Job(_, _, JobReport::Ended(Err(error)))) = reports.recv().await else {
        panic!("it is not over");
    };
    assert_eq!(error.code(), "defect");
    assert!(error.to_string().contains("planted"), "{error}");
    anna.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_bytes_are_refused_and_come_from_somebody_else() {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Keep).await).await;
    let berta = rotten(berta).await;
    let carla = Person::start().await;
    carla.connect(&anna).await;
    carla.connect(&berta).await;
    let two_have_it = |game: &GameView| game.contents.iter().any(|c| c.holders.len() == 2);
    carla.until_game("two sources", two_have_it).await;
    carla.handle().files(quake(), None).await.unwrap();
    share(&anna, false).await;
    let mut notices = carla.handle().notices();
    let operation = carla.get(AfterDownload::Keep).await;
    let refused = async {
        loop {
            if let Ok(Notice::PeerRefused { peer, .. }) = notices.recv().await {
                return peer;
            }
        }
    };
    let liar = timeout(PATIENCE, refused).await.unwrap();
    assert_eq!(liar, berta.handle().snapshot().me.peer);
    share(&anna, true).await;
    carla.done(operation).await;
    check_files(&carla.game_dir(), "1.0");
    // The liar looked into it, and does not share it again at the next scan.
    let faulty = |game: &GameView| {
        let why = game.local.not_shared.as_ref();
        let Some(NotShared::Refused { code, .. }) = why else {
            return false;
        };
        *code == "disk-fault"
    };
    berta.until_game("disk fault", faulty).await;
    berta.handle().rescan().await.unwrap();
    // An operation ends after a look; this one has nothing to install.
    let install = berta.handle().install(quake()).await.unwrap();
    assert!(matches!(berta.ended(install).await, Phase::Failed(_)));
    let view = berta.handle().snapshot();
    assert!(faulty(game_of(&view).unwrap()));
    for person in [anna, berta, carla] {
        person.stop().await;
    }
}
