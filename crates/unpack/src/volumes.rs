//! Which files of a game's root are archives by name, and which of them belong together.
//!
//! Invariant: a set that is returned is complete as far as names can tell; a gap is an error that
//! names the file to look for.

use std::collections::BTreeMap;

/// Extensions of archives, folded; `.part1.rar`, `.r00` and `.001` are recognised besides.
pub const ARCHIVE_EXTENSIONS: &[&str] = &[
    "eti", "rar", "zip", "7z", "tar", "tgz", "txz", "tzst", "tar.gz", "tar.xz", "tar.zst",
];

/// The place of `.z00` in the old numbering.
const FIRST_Z: u32 = 801;
/// Longest number in a volume name.
const DIGITS_MAX: usize = 5;

/// Files of one archive, in the order in which they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeSet {
    /// The names, at least one.
    pub volumes: Vec<String>,
}

/// Why names do not form complete archives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VolumeError {
    /// A volume in the middle or at the beginning is not there.
    #[error("the volume {missing} is missing")]
    Missing {
        /// The name it should have.
        missing: String,
    },
    /// A ZIP that its packer split: no reader here joins it.
    #[error("{first}: a split ZIP cannot be read; join it with `zip -s 0` or pack it anew")]
    SplitZip {
        /// Its first file.
        first: String,
    },
    /// Two files claim the same place, such as `a.part1.rar` and `a.part01.rar`.
    #[error("{first} and {second} are the same volume of one archive")]
    SameVolume {
        /// One of them.
        first: String,
        /// The other.
        second: String,
    },
}

/// Where a file stands in its archive.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    /// What all volumes of the archive have in common, folded, and how they are numbered.
    family: (String, Scheme),
    number: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scheme {
    /// One file.
    Single,
    /// `name.part1.rar`, numbered from 1.
    Part,
    /// `name.rar`, `name.r00`, ..., `name.s00`: numbered from 0.
    Old,
    /// `name.7z.001`, `name.zip.001`, numbered from 1.
    Sliced,
}

/// Whether the name says *archive*.
#[must_use]
pub fn has_archive_name(name: &str) -> bool {
    place(name).is_some()
}

/// Whether the name is that of the second or a later slice of an archive cut into pieces, which
/// has no magic of its own.
#[must_use]
pub fn is_later_slice(name: &str) -> bool {
    place(name).is_some_and(|place| place.family.1 == Scheme::Sliced && place.number > 1)
}

/// The slice that would come behind the last of these, if nothing says that it is the last: packers
/// cut all slices of an archive alike but the last. `None` also where the names are not of slices.
#[must_use]
pub fn slice_behind(slices: &[(&str, u64)]) -> Option<String> {
    let ((last, last_bytes), (_, first_bytes)) = (slices.last()?, slices.first()?);
    let place = place(last).filter(|place| place.family.1 == Scheme::Sliced)?;
    let next = place.number.checked_add(1)?;
    (last_bytes == first_bytes).then(|| renumbered(Scheme::Sliced, last, next))
}

/// Groups the files with an archive's name into archives, in name order. Other files are left out.
///
/// # Errors
/// The first set, in name order, that has a gap or a volume twice.
pub fn group<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Vec<VolumeSet>, VolumeError> {
    let mut families: BTreeMap<(String, Scheme), BTreeMap<u32, &str>> = BTreeMap::new();
    let mut singles = Vec::new();
    for name in names {
        let Some(place) = place(name) else { continue };
        if place.family.1 == Scheme::Single {
            singles.push(name);
        } else {
            insert(&mut families, place, name)?;
        }
    }
    check_split_zip(&families, &singles)?;
    for name in singles {
        let old = (folded_stem(name, ".rar"), Scheme::Old);
        match families.get_mut(&old) {
            // `.rar` in front of `.r00` is its first volume.
            Some(volumes) if name.to_lowercase().ends_with(".rar") => {
                volumes.insert(0, name);
            }
            Some(_) | None => {
                let family = (name.to_lowercase(), Scheme::Single);
                families.entry(family).or_default().insert(0, name);
            }
        }
    }
    families
        .into_iter()
        .map(|((_, scheme), volumes)| complete(scheme, &volumes))
        .collect()
}

/// `.z01` is far from `.rar`, but the first file of a ZIP that was split, which ends in `.zip`.
fn check_split_zip(
    families: &BTreeMap<(String, Scheme), BTreeMap<u32, &str>>,
    singles: &[&str],
) -> Result<(), VolumeError> {
    for ((stem, scheme), volumes) in families {
        let is_split = |name: &&str| folded_stem(name, ".zip") == *stem;
        if *scheme == Scheme::Old
            && let Some((number, first)) = volumes.first_key_value()
            && *number > FIRST_Z
            && singles.iter().any(is_split)
        {
            return Err(VolumeError::SplitZip {
                first: (*first).to_owned(),
            });
        }
    }
    Ok(())
}

fn insert<'a>(
    families: &mut BTreeMap<(String, Scheme), BTreeMap<u32, &'a str>>,
    place: Place,
    name: &'a str,
) -> Result<(), VolumeError> {
    let volumes = families.entry(place.family).or_default();
    match volumes.insert(place.number, name) {
        None => Ok(()),
        Some(first) => Err(VolumeError::SameVolume {
            first: first.to_owned(),
            second: name.to_owned(),
        }),
    }
}

/// The volumes in order, if none is missing before the last.
fn complete(scheme: Scheme, volumes: &BTreeMap<u32, &str>) -> Result<VolumeSet, VolumeError> {
    let first = u32::from(matches!(scheme, Scheme::Part | Scheme::Sliced));
    let mut before = None;
    for (expected, (number, name)) in (first..).zip(volumes) {
        if *number != expected {
            return Err(VolumeError::Missing {
                missing: renumbered(scheme, before.unwrap_or(name), expected),
            });
        }
        before = Some(name);
    }
    Ok(VolumeSet {
        volumes: volumes.values().map(|name| (*name).to_owned()).collect(),
    })
}

fn place(name: &str) -> Option<Place> {
    let lower = name.to_lowercase();
    part_place(&lower)
        .or_else(|| old_place(&lower))
        .or_else(|| sliced_place(&lower))
        .or_else(|| single_place(&lower))
}

fn part_place(lower: &str) -> Option<Place> {
    let (stem, part) = lower.strip_suffix(".rar")?.rsplit_once('.')?;
    let digits = part.strip_prefix("part")?;
    let number = number_of(digits)?;
    (!stem.is_empty()).then(|| Place {
        family: (stem.to_owned(), Scheme::Part),
        number,
    })
}

/// `.r00` is the second volume, `.r99` is followed by `.s00`.
fn old_place(lower: &str) -> Option<Place> {
    let (stem, extension) = lower.rsplit_once('.')?;
    let mut letters = extension.chars();
    let letter = letters.next().filter(|c| ('r'..='z').contains(c))?;
    let digits = letters.as_str();
    if digits.len() != 2 || stem.is_empty() {
        return None;
    }
    let hundreds = u32::from(letter).checked_sub(u32::from('r'))?;
    Some(Place {
        family: (stem.to_owned(), Scheme::Old),
        number: hundreds * 100 + number_of(digits)? + 1,
    })
}

fn sliced_place(lower: &str) -> Option<Place> {
    let (stem, digits) = lower.rsplit_once('.')?;
    if digits.len() < 3 || single_place(stem).is_none() {
        return None;
    }
    Some(Place {
        family: (stem.to_owned(), Scheme::Sliced),
        number: number_of(digits)?,
    })
}

fn single_place(lower: &str) -> Option<Place> {
    let known = ARCHIVE_EXTENSIONS.iter().any(|extension| {
        lower
            .strip_suffix(extension)
            .and_then(|stem| stem.strip_suffix('.'))
            .is_some_and(|stem| !stem.is_empty())
    });
    known.then(|| Place {
        family: (lower.to_owned(), Scheme::Single),
        number: 0,
    })
}

fn number_of(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty()
        && digits.len() <= DIGITS_MAX
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn folded_stem(name: &str, suffix: &str) -> String {
    let lower = name.to_lowercase();
    lower.strip_suffix(suffix).unwrap_or(&lower).to_owned()
}

/// The name of another volume of the archive that `name` belongs to.
fn renumbered(scheme: Scheme, name: &str, number: u32) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    match scheme {
        Scheme::Single => name.to_owned(),
        Scheme::Part => {
            let (stem, part) = stem.rsplit_once('.').unwrap_or((stem, ""));
            let width = part.len().saturating_sub("part".len());
            let word = part.get(.."part".len()).unwrap_or("part");
            format!("{stem}.{word}{number:0width$}.{extension}")
        }
        Scheme::Old => match number.checked_sub(1) {
            None => format!("{stem}.rar"),
            Some(index) => {
                let letter = char::from_u32(u32::from('r') + index / 100).unwrap_or('r');
                format!("{stem}.{letter}{:02}", index % 100)
            }
        },
        Scheme::Sliced => {
            let width = extension.len();
            format!("{stem}.{number:0width$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], expected: Result<&[&[&str]], &str>) {
        let found = group(names.iter().copied());
        let shown: Result<Vec<Vec<String>>, String> = found
            .map(|sets| sets.into_iter().map(|set| set.volumes).collect())
            .map_err(|error| error.to_string());
        let expected = expected
            .map(|sets| {
                sets.iter()
                    .map(|set| set.iter().map(|name| (*name).to_owned()).collect())
                    .collect()
            })
            .map_err(str::to_owned);
        assert_eq!(shown, expected, "{names:?}");
    }

    #[test]
    fn a_split_zip_is_named() {
        let split = "game.z01: a split ZIP cannot be read; join it with `zip -s 0` or pack it anew";
        check(&["game.z01", "game.z02", "game.zip"], Err(split));
        check(
            &["game.z01", "other.zip"],
            Err("the volume game.rar is missing"),
        );
    }

    #[test]
    fn singles_in_name_order() {
        check(
            &["b.zip", "version.ini", "a.ETI", "c.tar.zst", "readme.txt"],
            Ok(&[&["a.ETI"], &["b.zip"], &["c.tar.zst"]]),
        );
        check(&["game.pk3", "lib.jar", ".rar", "rar"], Ok(&[]));
    }

    #[test]
    fn parts_in_number_order() {
        check(
            &["g.part10.rar", "g.part2.rar", "g.part1.rar", "G.PART3.RAR"],
            Err("the volume G.PART4.RAR is missing"),
        );
        let ten: Vec<String> = (1..=10).map(|n| format!("g.part{n:02}.rar")).collect();
        let names: Vec<&str> = ten.iter().rev().map(String::as_str).collect();
        let sets = group(names).unwrap();
        assert_eq!(sets, [VolumeSet { volumes: ten }]);
        check(&["g.part2.rar"], Err("the volume g.part1.rar is missing"));
        check(
            &["g.part1.rar", "g.part01.rar"],
            Err("g.part1.rar and g.part01.rar are the same volume of one archive"),
        );
    }

    #[test]
    fn old_numbering() {
        check(
            &["g.r01", "g.rar", "g.r00"],
            Ok(&[&["g.rar", "g.r00", "g.r01"]]),
        );
        check(&["g.r00"], Err("the volume g.rar is missing"));
        check(&["g.rar", "g.r01"], Err("the volume g.r00 is missing"));
        let mut names = vec!["g.rar".to_owned()];
        names.extend((0..100).map(|n| format!("g.r{n:02}")));
        names.push("g.s00".to_owned());
        let set = group(names.iter().map(String::as_str)).unwrap();
        assert_eq!(set, [VolumeSet { volumes: names }]);
    }

    #[test]
    fn slices() {
        check(
            &["a.7z.002", "a.7z.001", "b.zip.001"],
            Ok(&[&["a.7z.001", "a.7z.002"], &["b.zip.001"]]),
        );
        check(
            &["a.7z.001", "a.7z.003"],
            Err("the volume a.7z.002 is missing"),
        );
        check(&["save.001", "data.bin.001"], Ok(&[]));
        check(&["a.7z.002"], Err("the volume a.7z.001 is missing"));
    }

    #[test]
    fn the_slice_behind_the_last() {
        let check = |slices: &[(&str, u64)], expected: Option<&str>| {
            assert_eq!(slice_behind(slices).as_deref(), expected, "{slices:?}");
        };
        check(&[("A.7z.001", 9)], Some("A.7z.002"));
        check(&[("a.zip.001", 9), ("a.zip.002", 9)], Some("a.zip.003"));
        check(&[("a.zip.999", 9)], Some("a.zip.1000"));
        // It is the last, by its length.
        check(&[("a.zip.001", 9), ("a.zip.002", 8)], None);
        check(&[("a.zip", 9)], None);
        check(&[("a.part1.rar", 9)], None);
        check(&[], None);
    }
}
