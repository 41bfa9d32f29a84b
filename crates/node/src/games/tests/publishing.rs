//! A folder on its way to be a game: changed, cancelled, refused.

use super::*;

/// A folder that takes long to hash, and no room.
fn vast(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let file = std::fs::File::create(folder.join("vast.pak")).unwrap();
    file.set_len(64 << 30).unwrap();
    settle(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cancelled_while_it_is_hashed_is_not_shared() {
    for how in [PublishHow::Pack, PublishHow::Move] {
        let anna = Person::start().await;
        let source = match how {
            PublishHow::Pack => anna.game_dir(),
            PublishHow::Move => anna.dir.path().join("quake"),
        };
        vast(&source);
        let request = PublishRequest {
            source: source.clone(),
            version: VersionLabel::parse("1.0").unwrap(),
            how,
        };
        let operation = anna.handle().publish(request).await.unwrap();
        let waits = |game: &GameView| game.local.downloaded.is_some();
        anna.until_game("to be hashed", waits).await;
        anna.handle().cancel(quake(), Partials::Keep).await.unwrap();
        let phase = anna.ended(operation).await;
        match (how, &phase) {
            (PublishHow::Pack, Phase::Cancelled) => {}
            (PublishHow::Move, Phase::Failed(error)) => {
                assert_eq!(error.code(), "moved");
                let says = error.to_string();
                assert!(says.contains(anna.game_dir().to_str().unwrap()), "{says}");
                assert!(!source.exists());
            }
            other => panic!("{other:?}"),
        }
        assert!(!anna.game_dir().join("version.ini").exists());
        assert!(anna.game_dir().join("vast.pak").exists());
        let view = anna.handle().snapshot();
        let local = &game_of(&view).unwrap().local;
        assert!(local.downloaded.is_none() && local.content.is_none());
        anna.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_somebody_copies_into_is_not_taken() {
    let anna = Person::start().await;
    let source = anna.dir.path().join("quake");
    std::fs::create_dir(&source).unwrap();
    std::fs::write(source.join("quake.exe"), "program").unwrap();
    let handle = anna.handle();
    for how in [PublishHow::Pack, PublishHow::Move] {
        let refused = handle.plan_publish(source.clone()).await.unwrap_err();
        assert_eq!(refused.code(), "still-changing");
        let request = PublishRequest {
            source: source.clone(),
            version: VersionLabel::parse("1.0").unwrap(),
            how,
        };
        let operation = handle.publish(request).await.unwrap();
        handle.cancel(quake(), Partials::Keep).await.unwrap();
        let phase = anna.ended(operation).await;
        assert!(matches!(phase, Phase::Cancelled), "{phase:?}");
        assert!(source.exists() && !anna.game_dir().exists());
    }
    let request = PublishRequest {
        source: source.clone(),
        version: VersionLabel::parse("1.0").unwrap(),
        how: PublishHow::Move,
    };
    let operation = handle.publish(request).await.unwrap();
    settle(&source);
    anna.done(operation).await;
    assert!(!source.exists() && anna.game_dir().join("quake.exe").exists());
    anna.stop().await;
}
