//! Disks with a defect, or with a plug that can be pulled.

use std::{
    os::fd::AsRawFd,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use lanspread_disk::{
    Disk, DiskError, DiskFile, Place, RealDisk,
    vfs::{CloneKind, DirEntry, GoOn, OpenMode, Space, Stat},
};

/// What is wrong with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Nothing.
    None,
    /// The intent is never written.
    NoIntent,
    /// A rename that fails is said to have worked.
    DeafRename,
    /// A volume is said to be synced and is not.
    NoSync,
}

impl Defect {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::NoIntent => "no-intent",
            Self::DeafRename => "deaf-rename",
            Self::NoSync => "no-sync",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [Self::None, Self::NoIntent, Self::DeafRename, Self::NoSync];
        all.into_iter().find(|defect| defect.name() == name)
    }
}

/// A file system of this machine, with a defect, whose power goes at the call of that number.
#[derive(Debug)]
pub(crate) struct Rigged {
    disk: RealDisk,
    defect: Defect,
    mutations: AtomicU64,
    plug: Option<Plug>,
}

/// Where the power goes, and when.
#[derive(Debug)]
pub(crate) struct Plug {
    pub(crate) volume: PathBuf,
    pub(crate) at: u64,
}

impl Plug {
    /// The file system forgets what it has not written, and answers nothing any more.
    pub(crate) fn pull(&self) {
        /// `FS_IOC_SHUTDOWN` of ext4 and `XFS_IOC_GOINGDOWN` of XFS are the same number.
        const SHUTDOWN: libc::c_ulong = 0x8004_587d;
        /// Not even the journal is written out.
        static NO_LOG_FLUSH: u32 = 2;
        let directory = std::fs::File::open(&self.volume).unwrap();
        let (fd, flags) = (directory.as_raw_fd(), &raw const NO_LOG_FLUSH);
        #[expect(unsafe_code, reason = "no crate offers this call")]
        // SAFETY: the descriptor is open, and the call reads one u32 behind the pointer.
        let answer = unsafe { libc::ioctl(fd, SHUTDOWN, flags) };
        assert_eq!(answer, 0, "{}", std::io::Error::last_os_error());
    }
}

impl Rigged {
    pub(crate) fn new(defect: Defect, plug: Option<Plug>) -> Self {
        Self {
            disk: RealDisk::new(),
            defect,
            mutations: AtomicU64::new(0),
            plug,
        }
    }

    /// Calls so far that change something.
    pub(crate) fn mutations(&self) -> u64 {
        self.mutations.load(Ordering::Relaxed)
    }

    /// Before a call that changes something.
    fn on_mutation(&self) {
        let number = self.mutations.fetch_add(1, Ordering::Relaxed);
        if let Some(plug) = self.plug.as_ref().filter(|plug| plug.at == number) {
            plug.pull();
        }
    }
}

impl Disk for Rigged {
    fn open(&self, place: &Place, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        if mode == OpenMode::CreateNew {
            self.on_mutation();
        }
        self.disk.open(place, mode)
    }
    fn stat(&self, place: &Place) -> Result<Option<Stat>, DiskError> {
        self.disk.stat(place)
    }
    fn list(&self, place: &Place) -> Result<Vec<DirEntry>, DiskError> {
        self.disk.list(place)
    }
    fn create_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.on_mutation();
        self.disk.create_dir(place)
    }
    fn rename(&self, from: &Place, to: &Place) -> Result<(), DiskError> {
        self.on_mutation();
        if self.defect == Defect::NoIntent && to.path().ends_with("install_intent") {
            return self.disk.remove_file(from);
        }
        match self.disk.rename(from, to) {
            Err(_) if self.defect == Defect::DeafRename => Ok(()),
            renamed => renamed,
        }
    }
    fn exchange(&self, a: &Place, b: &Place) -> Result<(), DiskError> {
        self.on_mutation();
        self.disk.exchange(a, b)
    }
    fn remove_file(&self, place: &Place) -> Result<(), DiskError> {
        self.on_mutation();
        self.disk.remove_file(place)
    }
    fn remove_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.on_mutation();
        self.disk.remove_dir(place)
    }
    fn clone_file(
        &self,
        from: &Place,
        to: &Place,
        go_on: GoOn<'_>,
    ) -> Result<CloneKind, DiskError> {
        self.on_mutation();
        self.disk.clone_file(from, to, go_on)
    }
    fn sync_dir(&self, place: &Place) -> Result<(), DiskError> {
        self.on_mutation();
        self.disk.sync_dir(place)
    }
    fn sync_volume(&self, place: &Place) -> Result<(), DiskError> {
        self.on_mutation();
        match self.defect {
            Defect::NoSync => Ok(()),
            Defect::None | Defect::NoIntent | Defect::DeafRename => self.disk.sync_volume(place),
        }
    }
    fn space(&self, place: &Place) -> Result<Space, DiskError> {
        self.disk.space(place)
    }
}
