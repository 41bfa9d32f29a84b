//! Mends an installed game: damaged files come out of the payload once more.

use std::sync::Arc;

use lanspread_disk::{
    content::OpenContent,
    scan::{Payload as Scanned, ScannedFile},
};
use lanspread_install::InstallRecord;
use lanspread_proto::{Manifest, RelPath};

use super::Subject;
use crate::{
    error::OperationError,
    installing::{self, PutBack},
    jobs::{Job, JobPorts},
    room,
};

/// Puts files of `local/` back as the payload has them.
pub(super) async fn mend(
    ports: &JobPorts,
    job: &Job,
    (subject, record): (&Subject, &InstallRecord),
    wanted: Vec<RelPath>,
) -> Result<(), OperationError> {
    if wanted.is_empty() {
        return Ok(());
    }
    let payload = subject.payload.as_ref();
    let source = payload.filter(|payload| payload.agreed.manifest.content() == record.content());
    let Some(source) = source else {
        return Err(OperationError::NothingToMendFrom {
            game: job.game.clone(),
            version: record.version().clone(),
            count: u32::try_from(wanted.len()).unwrap_or(u32::MAX),
        });
    };
    let is_wanted = |path: &RelPath| wanted.contains(path);
    let sizes = record.files().iter().filter(|file| is_wanted(&file.path));
    let bytes = sizes.map(|file| file.bytes).sum();
    room::reserve_bytes(ports, job, bytes).await?;
    let content = open(ports, subject, &source.agreed.manifest).await?;
    let content = content.ok_or_else(|| OperationError::NotDownloaded(job.game.clone()))?;
    let put_back = PutBack {
        wanted: wanted.into_iter().collect(),
        record: record.clone(),
    };
    installing::put_back(ports, job, Arc::new(content), put_back).await
}

/// Opens the files of the payload; what else lies beside them does not matter here.
async fn open(
    ports: &JobPorts,
    subject: &Subject,
    manifest: &Arc<Manifest>,
) -> Result<Option<OpenContent>, OperationError> {
    let (disk, root) = (Arc::clone(&ports.disk), subject.places.game_root.clone());
    let manifest = Arc::clone(manifest);
    let opened = ports.blocking(move || {
        let mut scanned = Scanned::default();
        for entry in manifest.files() {
            if let Some(stat) = disk.stat(&root.join(&entry.path))? {
                scanned.files.push(ScannedFile {
                    path: entry.path.clone(),
                    bytes: stat.bytes,
                    identity: stat.identity,
                });
            }
        }
        Ok::<_, lanspread_disk::DiskError>(OpenContent::new(disk, root, manifest, &scanned))
    });
    Ok(opened.await??)
}
