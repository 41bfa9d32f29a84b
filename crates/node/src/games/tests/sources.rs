//! Sources that share no more, leave, and come back.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_waits_for_a_source_and_can_be_cancelled_then() {
    for partials in [Partials::Keep, Partials::Discard] {
        let (anna, berta) = two().await;
        // The manifest is here before nothing is sent any more.
        berta.handle().files(quake(), None).await.unwrap();
        share(&anna, false).await;
        let operation = berta.get(AfterDownload::Keep).await;
        berta
            .until_phase("waiting", |phase| matches!(phase, Phase::WaitingForSource))
            .await;
        berta.handle().cancel(quake(), partials).await.unwrap();
        let phase = berta.ended(operation).await;
        assert!(matches!(phase, Phase::Cancelled), "{phase:?}");
        assert!(!berta.game_dir().exists());
        assert_eq!(berta.journals(), 0);
        share(&anna, true).await;
        berta.done(berta.get(AfterDownload::Install).await).await;
        check_files(&berta.game_dir().join("local"), "1.0");
        anna.stop().await;
        berta.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_goes_on_when_its_source_shares_again_or_comes_back() {
    let (anna, berta) = two().await;
    berta.handle().files(quake(), None).await.unwrap();
    share(&anna, false).await;
    let operation = berta.get(AfterDownload::Install).await;
    let waits = |phase: &Phase| matches!(phase, Phase::WaitingForSource);
    berta.until_phase("waiting", waits).await;
    let dir = anna.stop().await;
    let anna = Person::start_in(dir).await;
    berta.connect(&anna).await;
    berta.done(operation).await;
    check_files(&berta.game_dir().join("local"), "1.0");
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_may_leave_in_the_middle_and_come_back() {
    let (anna, berta) = two().await;
    limit(&berta, Some(1 << 20), 2).await;
    let operation = berta.get(AfterDownload::Install).await;
    let done_bytes = |game: &GameView| game.operation.as_ref().map_or(0, |o| o.done_bytes);
    berta
        .until_game("some pieces", |game| done_bytes(game) > 0)
        .await;
    let dir = anna.stop().await;
    let waits = |phase: &Phase| matches!(phase, Phase::WaitingForSource);
    berta.until_phase("waiting", waits).await;
    let before = done_bytes(game_of(&berta.handle().snapshot()).unwrap());
    assert!(before > 0);
    let anna = Person::start_in(dir).await;
    limit(&berta, None, 2).await;
    berta.connect(&anna).await;
    berta.done(operation).await;
    check_files(&berta.game_dir().join("local"), "1.0");
    // What was there was not fetched again.
    let view = berta.handle().snapshot();
    let peers = &view.peers;
    let received: u64 = peers.iter().map(|peer| peer.received_bytes).sum();
    let whole = BYTES as u64 + 2 * 1024 * 1024;
    assert!(received <= whole, "{received} of {whole}");
    anna.stop().await;
    berta.stop().await;
}
