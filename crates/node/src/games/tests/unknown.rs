//! A `local/` that nobody wrote down: the state directory was lost, or another program made it.

use super::*;

/// A game as it was installed, in a node whose state directory is new.
async fn forgotten(with_payload: bool) -> (Person, Person) {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Install).await).await;
    std::fs::write(berta.game_dir().join("local/save.dat"), "won").unwrap();
    if !with_payload {
        let kept = WhileInstalled::KeepInstalled;
        let removed = berta.handle().remove(quake(), kept).await;
        berta.done(removed.unwrap()).await;
    }
    let dir = berta.stop().await;
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let berta = Person::start_in(dir).await;
    berta.connect(&anna).await;
    berta.until_offered("1.0").await;
    let unknown = |game: &GameView| game.local.installed == Some(InstalledView::Unknown);
    berta.until_game("installed", unknown).await;
    (anna, berta)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_installed_and_an_uninstall_keeps_all_of_it() {
    let (anna, berta) = forgotten(false).await;
    let uninstall = berta.handle().uninstall(quake(), UserFiles::Keep).await;
    berta.done(uninstall.unwrap()).await;
    assert!(!berta.game_dir().join("local").exists());
    let mut kept = std::fs::read_dir(berta.game_dir().join("kept")).unwrap();
    let kept = kept.next().unwrap().unwrap().path();
    check_files(&kept, "1.0");
    assert_eq!(
        std::fs::read_to_string(kept.join("save.dat")).unwrap(),
        "won"
    );
    berta
        .until_game("gone", |game| game.local.installed.is_none())
        .await;
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_install_over_it_loses_nothing() {
    for with_payload in [true, false] {
        let (anna, berta) = forgotten(with_payload).await;
        let local = berta.game_dir().join("local");
        std::fs::write(local.join("quake.exe"), "mine").unwrap();
        let handle = berta.handle();
        let operation = match with_payload {
            true => {
                let known = |game: &GameView| game.local.content.is_some();
                berta.until_game("hashed", known).await;
                handle.install(quake()).await.unwrap()
            }
            false => handle.update(quake()).await.unwrap(),
        };
        berta.done(operation).await;
        check_files(&local, "1.0");
        let text = |name: &str| std::fs::read_to_string(local.join(name)).unwrap();
        assert_eq!(text("save.dat"), "won");
        assert_eq!(text("quake.exe.old"), "mine");
        let known = |game: &GameView| {
            let installed = game.local.installed.as_ref();
            installed.is_some_and(|installed| installed.version().is_some())
        };
        berta.until_game("known", known).await;
        anna.stop().await;
        berta.stop().await;
    }
}
