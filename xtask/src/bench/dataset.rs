//! The files that are sent: incompressible, and the same in every run on every machine.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// Files of the tree.
const TREE_FILES: u64 = 3000;
/// Bytes compared or written at a time.
const BLOCK: usize = 1 << 20;
/// What makes a directory a game.
const VERSION_INI: &[u8] = b"1.0\n";

/// One set of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dataset {
    /// One file.
    Big,
    /// 3,000 files from 1 KiB to 512 MiB.
    Tree,
}

impl Dataset {
    /// Its name, and that of the game.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Big => "big",
            Self::Tree => "tree",
        }
    }

    /// Paths and sizes of its files; `version.ini` comes on top.
    fn files(self, total: u64) -> Vec<(String, u64)> {
        match self {
            Self::Big => vec![("data.bin".to_string(), total)],
            Self::Tree => {
                let sizes = tree_sizes(total);
                let path = |index| format!("{:02}/{index:04}.bin", index % 37);
                (0..).map(path).zip(sizes).collect()
            }
        }
    }

    /// Writes it below a directory; returns its bytes.
    pub(super) fn write(self, directory: &Path, total: u64) -> Result<u64> {
        let mut written = 0;
        for (path, bytes) in self.files(total) {
            let place = directory.join(&path);
            let parent = place.parent().unwrap_or(directory);
            fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
            write_noise(&place, &format!("{}/{path}", self.name()), bytes)
                .with_context(|| format!("writing {}", place.display()))?;
            written += bytes;
        }
        fs::write(directory.join("version.ini"), VERSION_INI)?;
        Ok(written)
    }
}

/// Sizes from 1 KiB to an eighth of the total, as in games: half of the bytes in few large files,
/// and thousands of small ones.
fn tree_sizes(total: u64) -> Vec<u64> {
    let mut sizes = Vec::new();
    // 1 × 1/8, 2 × 1/16, ... 64 × 1/512: seven eighths of the total.
    for level in 0..7 {
        let size = total >> (3 + level);
        sizes.extend((0..1 << level).map(|_| size));
    }
    let used: u64 = sizes.iter().sum();
    let small = TREE_FILES - 1 - u64::try_from(sizes.len()).unwrap_or(0);
    // Evenly spread over the powers of two from 1 KiB to 1 MiB, or less for a small total.
    let doublings = (total / MIB / 4).max(1).ilog2().min(10);
    let steps = u64::from(doublings) * KIB;
    for index in 0..small {
        let step = index * steps / small;
        sizes.push((KIB + step % KIB) << (step / KIB));
    }
    let left = total - used;
    let spent: u64 = sizes.iter().skip(127).sum();
    sizes.push(left.saturating_sub(spent).max(KIB));
    sizes
}

fn write_noise(place: &Path, seed: &str, bytes: u64) -> Result<()> {
    let mut noise = blake3::Hasher::new().update(seed.as_bytes()).finalize_xof();
    let mut file = File::create(place)?;
    let mut block = vec![0; BLOCK];
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        let part = block.get_mut(..now).unwrap_or_default();
        noise.fill(part);
        file.write_all(part)?;
        left -= now as u64;
    }
    Ok(())
}

/// Refuses a copy that is not the original, byte by byte.
pub(super) fn check_equal(original: &Path, copy: &Path) -> Result<()> {
    for entry in fs::read_dir(copy).with_context(|| format!("listing {}", copy.display()))? {
        let name = entry?.file_name();
        let ours = name.to_string_lossy().starts_with(".lanspread");
        if !ours && fs::symlink_metadata(original.join(&name)).is_err() {
            bail!("{} was not sent", copy.join(name).display());
        }
    }
    for entry in fs::read_dir(original)? {
        let entry = entry?;
        let other = copy.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            check_equal(&entry.path(), &other)?;
        } else if !same_bytes(&entry.path(), &other)? {
            bail!("{} differs from what was sent", other.display());
        }
    }
    Ok(())
}

fn same_bytes(one: &Path, other: &Path) -> Result<bool> {
    let open =
        |path: &Path| File::open(path).with_context(|| format!("opening {}", path.display()));
    let (mut one, mut other) = (open(one)?, open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; BLOCK], vec![0; BLOCK]);
    loop {
        let read = one.read(&mut left)?;
        let expected = left.get(..read).unwrap_or_default();
        let found = right.get_mut(..read).unwrap_or_default();
        other.read_exact(found)?;
        if expected != found {
            return Ok(false);
        }
        if read == 0 {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_what_it_claims() {
        let sizes = tree_sizes(4096 * MIB);
        assert_eq!(sizes.len() as u64, TREE_FILES);
        assert_eq!(sizes.iter().sum::<u64>(), 4096 * MIB);
        assert_eq!(sizes.iter().max(), Some(&(512 * MIB)));
        assert_eq!(sizes.iter().min(), Some(&KIB));
        assert!(sizes.iter().filter(|size| **size < MIB).count() > 2800);
        // A small total is a trial: it is not kept exactly.
        assert_eq!(tree_sizes(64 * MIB).len() as u64, TREE_FILES);
    }

    #[test]
    fn a_wrong_byte_is_seen() {
        let directory = std::env::temp_dir().join(format!("xtask-{}", std::process::id()));
        let (one, two) = (directory.join("one"), directory.join("two"));
        let total = 3 * MIB + 5;
        for copy in [&one, &two] {
            fs::create_dir_all(copy).unwrap();
            assert_eq!(Dataset::Big.write(copy, total).unwrap(), total);
        }
        check_equal(&one, &two).unwrap();
        let data = two.join("data.bin");
        let mut bytes = fs::read(&data).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&data, &bytes).unwrap();
        assert!(check_equal(&one, &two).is_err());
        bytes.pop();
        fs::write(&data, &bytes).unwrap();
        assert!(check_equal(&one, &two).is_err());
        fs::remove_file(&data).unwrap();
        assert!(check_equal(&one, &two).is_err());
        fs::remove_dir_all(&directory).unwrap();
    }
}
