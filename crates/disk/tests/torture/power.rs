//! The power goes: ext4 and XFS in a file, told to forget what they have not written.

use std::{fs::File, path::PathBuf, process::Command, sync::Arc};

use crate::{
    Extent, Score,
    arena::{Arena, in_memory},
    defects::{Defect, Plug, Rigged},
    scenario::{SCENARIOS, Scenario},
    skip,
};

/// Cuts of the short form; each scenario is cut once or twice.
const SHORT_CUTS: usize = 14;

/// A kind of file system in a file.
struct Kind {
    name: &'static str,
    make: &'static [&'static str],
    options: &'static str,
    bytes: u64,
    long_cuts: usize,
}

const EXT4: Kind = Kind {
    name: "power_ext4",
    make: &["mkfs.ext4", "-q", "-F"],
    options: "loop",
    bytes: 32 << 20,
    long_cuts: 2_000,
};
const XFS: Kind = Kind {
    name: "power_xfs",
    make: &["mkfs.xfs", "-q", "-f"],
    options: "loop,nouuid",
    bytes: 320 << 20,
    long_cuts: 500,
};

pub(crate) fn ext4(extent: Extent) -> Option<Score> {
    run(&EXT4, extent)
}

pub(crate) fn xfs(extent: Extent) -> Option<Score> {
    run(&XFS, extent)
}

fn run(kind: &Kind, extent: Extent) -> Option<Score> {
    let volume = match own_mounts().and_then(|()| Volume::make(kind)) {
        Ok(volume) => volume,
        Err(reason) => return skip(kind.name, &reason),
    };
    assert!(
        is_noticed(&volume),
        "{}: an update without its sync survived a power cut",
        kind.name
    );
    let cuts = match extent {
        Extent::Short => SHORT_CUTS,
        Extent::Long => kind.long_cuts,
    };
    let mut calls = [0; SCENARIOS.len()];
    for (scenario, count) in SCENARIOS.into_iter().zip(&mut calls) {
        *count = volume.calls(scenario);
    }
    let mut total = Score::default();
    for round in 0..cuts {
        let which = round % SCENARIOS.len();
        let (scenario, count) = (SCENARIOS[which], calls[which]);
        // Spread over all calls; the one behind the last is a cut right after *done*.
        let turn = (round / SCENARIOS.len()) as u64;
        let at = (turn * 7 + which as u64 * 3) % (count + 1);
        match cut(&volume, scenario, at, Defect::None) {
            Ok(score) => total.add(score),
            Err(why) => panic!("{}: {scenario:?} cut at {at} of {count}: {why}", kind.name),
        }
    }
    Some(total)
}

/// From here on this thread and what it starts see mounts that nobody else does: a copy of them
/// elsewhere, as every new network namespace makes one, would keep a dead file system alive.
fn own_mounts() -> Result<(), String> {
    #[expect(unsafe_code, reason = "no crate offers this call as safe")]
    // SAFETY: it only changes which mounts this thread sees.
    let answer = unsafe { libc::unshare(libc::CLONE_NEWNS) };
    if answer != 0 {
        return Err(format!("needs mounts: {}", std::io::Error::last_os_error()));
    }
    let private = Command::new("mount")
        .args(["--make-rprivate", "/"])
        .output();
    match private {
        Ok(output) if output.status.success() => Ok(()),
        _ => Err("needs mounts of its own".into()),
    }
}

/// One power cut: before the call of that number, or after the end.
fn cut(volume: &Volume, scenario: Scenario, at: u64, defect: Defect) -> Result<Score, String> {
    volume.mount();
    let arena = Arena::prepared(&volume.at, scenario);
    arena.sync();
    let plug = Plug {
        volume: volume.at.clone(),
        at,
    };
    let disk = Arc::new(Rigged::new(defect, Some(plug)));
    let done = arena.operate(disk.clone());
    if disk.mutations() <= at {
        Plug {
            volume: volume.at.clone(),
            at,
        }
        .pull();
    }
    volume.unmount();
    volume.mount();
    let settled = arena.settle();
    let acknowledged = done.is_ok();
    let score = settled.and_then(|score| match acknowledged && score.new == 0 {
        true => Err(format!("done, but lost: {}", arena.seen().show())),
        false => Ok(score),
    });
    let finished = score.and_then(|score| arena.finish().map(|()| score));
    volume.unmount();
    finished
}

/// The same with a sync left out must go wrong.
fn is_noticed(volume: &Volume) -> bool {
    let count = volume.calls(Scenario::Update);
    (0..=count)
        .rev()
        .any(|at| cut(volume, Scenario::Update, at, Defect::NoSync).is_err())
}

/// A file system in a file in memory.
struct Volume {
    image: PathBuf,
    at: PathBuf,
    options: &'static str,
    _keep: tempfile::TempDir,
}

impl Volume {
    fn make(kind: &Kind) -> Result<Self, String> {
        let keep = in_memory();
        let (image, at) = (keep.path().join("image"), keep.path().join("volume"));
        std::fs::create_dir(&at).unwrap();
        File::create(&image).unwrap().set_len(kind.bytes).unwrap();
        let [program, flags @ ..] = kind.make else {
            return Err("no program".into());
        };
        let made = Command::new(program).args(flags).arg(&image).output();
        match made {
            Ok(made) if made.status.success() => {}
            Ok(made) => return Err(String::from_utf8_lossy(&made.stderr).trim().to_owned()),
            Err(_) => return Err(format!("needs {program}")),
        }
        let volume = Self {
            image,
            at,
            options: kind.options,
            _keep: keep,
        };
        let mounted = volume.try_mount();
        if mounted.is_ok() {
            volume.unmount();
        }
        mounted.map(|()| volume)
    }

    fn try_mount(&self) -> Result<(), String> {
        let mut mount = Command::new("mount");
        mount
            .args(["-o", self.options])
            .arg(&self.image)
            .arg(&self.at);
        let output = mount.output().map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!(
                "needs a mount: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            )),
        }
    }

    fn mount(&self) {
        self.try_mount().unwrap();
    }

    fn unmount(&self) {
        let status = Command::new("umount").arg(&self.at).status().unwrap();
        assert!(status.success(), "{} stays mounted", self.at.display());
    }

    /// Calls of an undisturbed operation that change something.
    fn calls(&self, scenario: Scenario) -> u64 {
        self.mount();
        let disk = Arc::new(Rigged::new(Defect::None, None));
        Arena::prepared(&self.at, scenario)
            .operate(disk.clone())
            .unwrap();
        self.unmount();
        disk.mutations()
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Only when a test stopped in the middle.
        drop(Command::new("umount").arg("--lazy").arg(&self.at).output());
    }
}
