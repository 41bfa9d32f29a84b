//! Manifests stay as long as something needs them.

use std::collections::BTreeSet;

use super::*;

impl Person {
    /// The contents whose manifest and chunk map lie in the state directory.
    fn stored(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.dir.path().join("state/manifests")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names: BTreeSet<String> = names.collect();
        let begin = |name: &String| name.split_once('.').unwrap().0.to_owned();
        let contents: BTreeSet<String> = names.iter().map(begin).collect();
        // Both or neither.
        assert_eq!(names.len(), 2 * contents.len(), "{names:?}");
        contents
    }

    /// Waits until exactly these are stored.
    async fn until_stored(&self, what: &str, expected: &[&str]) {
        let expected: BTreeSet<String> = expected.iter().map(|&c| c.to_owned()).collect();
        let both_gone = || {
            let manifests = self.dir.path().join("state/manifests");
            std::fs::read_dir(manifests).unwrap().count() == 2 * expected.len()
        };
        let wait = async {
            while !both_gone() {
                self.handle().rescan().await.unwrap();
            }
        };
        assert!(
            timeout(PATIENCE, wait).await.is_ok(),
            "{what}: {:?}",
            self.stored()
        );
        assert_eq!(self.stored(), expected, "{what}");
    }

    fn offered(&self, version: &str) -> String {
        let view = self.handle().snapshot();
        let contents = &game_of(&view).unwrap().contents;
        let mut offered = contents.iter().filter(|c| c.version.as_str() == version);
        offered.next().unwrap().content.to_string()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_stays_while_anything_needs_it_and_goes_then() {
    let (anna, berta) = two().await;
    let one = berta.offered("1.0");
    berta.done(berta.get(AfterDownload::Install).await).await;
    berta.until_stored("installed", &[&one]).await;
    let verify = berta.handle().verify(quake(), ChangedFiles::Leave).await;
    berta.done(verify.unwrap()).await;
    berta.until_stored("verified", &[&one]).await;

    // Somebody downloads the newer one and keeps the older one installed.
    anna.publish("1.1").await;
    berta.until_offered("1.1").await;
    let two = berta.offered("1.1");
    berta.done(berta.get(AfterDownload::Keep).await).await;
    berta
        .until_stored("1.0 is installed, 1.1 there", &[&one, &two])
        .await;
    berta
        .done(berta.handle().update(quake()).await.unwrap())
        .await;
    berta.until_stored("updated", &[&two]).await;

    let remove = berta
        .handle()
        .remove(quake(), WhileInstalled::KeepInstalled)
        .await;
    berta.done(remove.unwrap()).await;
    berta.until_stored("the payload is gone", &[&two]).await;
    let dir = berta.stop().await;
    // What a crash between two operations left.
    let strange = format!("{}.manifest", ContentId::from_bytes([9; 32]));
    let chunks = format!("{}.chunks", ContentId::from_bytes([9; 32]));
    for name in [strange, chunks] {
        std::fs::write(dir.path().join("state/manifests").join(name), "old").unwrap();
    }
    let berta = Person::start_in(dir).await;
    berta.until_stored("a restart", &[&two]).await;
    let uninstall = berta.handle().uninstall(quake(), UserFiles::Purge).await;
    berta.done(uninstall.unwrap()).await;
    berta.until_stored("nothing is there", &[]).await;
    anna.stop().await;
    berta.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_while_a_record_cannot_be_read() {
    let (anna, berta) = two().await;
    berta.done(berta.get(AfterDownload::Keep).await).await;
    let one = berta.offered("1.0");
    berta.until_stored("downloaded", &[&one]).await;
    let torn = berta.dir.path().join("state/games/doom");
    std::fs::create_dir_all(&torn).unwrap();
    std::fs::write(torn.join("install_record"), "torn").unwrap();
    anna.publish("1.1").await;
    berta.until_offered("1.1").await;
    let two = berta.offered("1.1");
    berta.done(berta.get(AfterDownload::Keep).await).await;
    // A hold waits for a sweep that runs, so this is after the one that the download made due.
    let verify = berta.handle().verify(quake(), ChangedFiles::Leave).await;
    berta.done(verify.unwrap()).await;
    berta.until_stored("1.0 may be needed", &[&one, &two]).await;
    std::fs::remove_file(torn.join("install_record")).unwrap();
    let verify = berta.handle().verify(quake(), ChangedFiles::Leave).await;
    berta.done(verify.unwrap()).await;
    berta.until_stored("it is not", &[&two]).await;
    anna.stop().await;
    berta.stop().await;
}
