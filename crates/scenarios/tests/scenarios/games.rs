//! [`Game`]: payloads that scenarios publish, made of noise that nobody can compress or guess.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use lanspread_proto::RelPath;
use lanspread_unpack::pack::{PackFile, Packer, SevenZPacker, StoredRar5, TarZstd, ZipPacker};

use crate::trees::{self, Tree};

/// How the payload lies in the game's directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As files.
    Tree,
    /// One stored RAR, as the installers of the party make it.
    Rar,
    /// A stored RAR in volumes of 3 MB.
    RarVolumes,
    /// A ZIP.
    Zip,
    /// A 7z.
    SevenZ,
    /// A tar with Zstandard.
    TarZst,
}

/// A game before it is published: what its installation will hold.
#[derive(Debug, Clone)]
pub(crate) struct Game {
    pub(crate) name: String,
    pub(crate) version: &'static str,
    pub(crate) kind: Kind,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// How old everything is made: a folder that changed a moment ago is not published yet.
const AGE: Duration = Duration::from_secs(3600);

impl Game {
    /// A game of one large and a few small files, `megabytes` in all, of bytes that follow from
    /// name and version.
    pub(crate) fn new(name: &'static str, version: &'static str, megabytes: usize) -> Self {
        let seed = |file: &str| format!("{name} {version} {file}");
        let mut files = BTreeMap::new();
        let mut add = |path: &str, bytes: usize| {
            files.insert(path.to_owned(), noise(&seed(path), bytes));
        };
        add("bin/game.exe", 300_001);
        add("data/all.pak", megabytes * 1_000_000);
        add("data/level one.map", 70_000);
        add("Lies mich.txt", 17);
        add("empty.cfg", 0);
        let kind = Kind::Tree;
        Self {
            name: name.to_owned(),
            version,
            kind,
            files,
        }
    }

    /// The same bytes as another game.
    pub(crate) fn called(mut self, name: String) -> Self {
        self.name = name;
        self
    }

    /// The same packed otherwise.
    pub(crate) fn packed(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The same with one file more, or another.
    pub(crate) fn with(mut self, path: &str, bytes: &[u8]) -> Self {
        self.files.insert(path.to_owned(), bytes.to_vec());
        self
    }

    /// Its id.
    pub(crate) fn id(&self) -> String {
        self.name.to_lowercase()
    }

    /// What `local/` holds once it is installed.
    pub(crate) fn installed(&self) -> Tree {
        let mut tree: Tree = (self.files.iter())
            .map(|(path, bytes)| (path.clone(), trees::print(bytes)))
            .collect();
        if self.kind == Kind::Tree {
            let label = format!("{}\n", self.version);
            tree.insert("version.ini".to_owned(), trees::print(label.as_bytes()));
        }
        tree
    }

    /// Writes it into a games directory, an hour ago; returns its root.
    pub(crate) fn write(&self, games: &Path) -> PathBuf {
        let root = games.join(&self.name);
        fs::create_dir_all(&root).unwrap();
        self.write_payload(&root);
        fs::write(root.join("version.ini"), format!("{}\n", self.version)).unwrap();
        settle(&root);
        root
    }

    /// Writes its files as they are, without a version: a folder of somebody's disk.
    pub(crate) fn write_folder(&self, folder: &Path) {
        for (path, bytes) in &self.files {
            let file = folder.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        settle(folder);
    }

    /// Writes its payload into a directory.
    pub(crate) fn write_payload(&self, root: &Path) {
        let create = |name: &str| File::create(root.join(name)).unwrap();
        match self.kind {
            Kind::Tree => self.write_folder(root),
            Kind::Rar => self.write_rar(root, None),
            Kind::RarVolumes => self.write_rar(root, Some(3_000_000)),
            Kind::Zip => {
                let mut packer = ZipPacker::new(create("game.zip"));
                self.pack(&mut packer);
                packer.finish().unwrap();
            }
            Kind::SevenZ => {
                let mut packer = SevenZPacker::new(create("game.7z")).unwrap();
                self.pack(&mut packer);
                packer.finish().unwrap();
            }
            Kind::TarZst => {
                let mut packer = TarZstd::new(create("game.tar.zst")).unwrap();
                self.pack(&mut packer);
                packer.finish().unwrap();
            }
        }
    }

    fn write_rar(&self, root: &Path, volume_bytes: Option<u64>) {
        let open = |number: usize| {
            let name = match volume_bytes {
                None => "game.eti".to_owned(),
                Some(_) => format!("game.part{}.rar", number + 1),
            };
            File::options()
                .create_new(true)
                .write(true)
                .read(true)
                .open(root.join(name))
        };
        let mut packer = StoredRar5::new(volume_bytes, open).unwrap();
        self.pack(&mut packer);
        packer.finish().unwrap();
    }

    fn pack(&self, packer: &mut impl Packer) {
        for (path, bytes) in &self.files {
            let file = PackFile {
                path: &RelPath::parse(path).unwrap(),
                bytes: bytes.len() as u64,
                executable: false,
            };
            packer.add_file(file, &mut bytes.as_slice()).unwrap();
        }
    }
}

/// Bytes that follow from a seed.
pub(crate) fn noise(seed: &str, bytes: usize) -> Vec<u8> {
    let mut out = vec![0; bytes];
    let mut hasher = blake3::Hasher::new();
    hasher.update(seed.as_bytes());
    hasher.finalize_xof().fill(&mut out);
    out
}

/// Makes everything below a directory an hour old, and the directory itself.
pub(crate) fn settle(path: &Path) {
    let kind = fs::symlink_metadata(path).unwrap().file_type();
    if kind.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            settle(&entry.unwrap().path());
        }
    }
    // Opening anything else may block or lead elsewhere.
    if kind.is_dir() || kind.is_file() {
        let file = File::open(path).unwrap();
        file.set_modified(SystemTime::now() - AGE).unwrap();
    }
}
