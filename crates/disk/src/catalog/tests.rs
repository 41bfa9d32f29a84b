use super::*;
use crate::RealDisk;

fn own(text: &str) -> Result<Catalog, String> {
    Catalog::parse(text, CatalogSource::Own).map_err(|error| error.to_string())
}

fn id(text: &str) -> GameId {
    GameId::parse(text).unwrap()
}

/// The bundled catalog is whole: what the page shows in two languages is there in both.
#[test]
fn the_bundled_catalog() {
    let catalog = Catalog::bundled().unwrap();
    assert!(catalog.games().len() >= 30, "{}", catalog.games().len());
    for (game, entry) in catalog.games() {
        assert!(entry.title.is_some(), "{game} has no title");
        assert!(entry.genre.is_some(), "{game} has no genre");
        assert!(
            entry.licence.is_some(),
            "{game} says nothing of its licence"
        );
        for text in [&entry.description, &entry.description_de] {
            let text = text
                .as_ref()
                .unwrap_or_else(|| panic!("{game} is not described"));
            assert!(text.as_str().ends_with('.'), "{game}: {text}");
        }
        assert_eq!(entry.source, CatalogSource::Bundled);
        assert!(entry.cover.is_none());
        assert!(
            entry.year.is_none_or(|year| (1980..=2030).contains(&year)),
            "{game}"
        );
    }
    for other in catalog.names.keys() {
        assert!(
            !catalog.games.contains_key(other),
            "{other} names two games"
        );
    }
}

#[test]
fn the_own_file_adds_and_replaces() {
    let mut catalog = Catalog::bundled().unwrap();
    let before = catalog.games().len();
    let over = own("[games.OpenArena]\ntitle = 'Our Arena'\n[games.'house game']\nyear = 1999");
    catalog.overlay(over.unwrap());
    let arena = catalog.game(&id("openarena")).unwrap();
    assert_eq!(arena.title.as_ref().unwrap().as_str(), "Our Arena");
    assert_eq!(arena.source, CatalogSource::Own);
    assert_eq!(arena.description, None, "an entry is replaced whole");
    assert_eq!(catalog.games().len(), before + 1);
    assert_eq!(catalog.game(&id("nobody knows")), None);
}

#[test]
fn a_game_under_its_other_names() {
    let catalog = own("[games.x]\nyear = 1\nnames = ['The X', 'x 1.0']").unwrap();
    for name in ["x", "the x", "x 1.0"] {
        assert!(catalog.game(&id(name)).is_some(), "{name}");
    }
}

#[test]
fn refused_with_the_reason() {
    let check = |text: &str, reason: &str| {
        let error = own(text).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    };
    check("games = 3", "games");
    check("[games.'a/b']\n", "\"a/b\"");
    check("[games.x]\nnames = ['..']", "\"..\"");
    check("[games.x]\ngenre = 'fun'", "genre");
    check("[games.x]\nplayers_max = 70000", "players_max");
    check("[games.x]\ncover = '../x.png'", "the cover");
    check("[games.x.play]\nlinux = '/bin/sh'", "x: play");
    let many: String = (0..=CATALOG_GAMES_MAX)
        .map(|n| format!("[games.g{n}]\n"))
        .collect();
    check(&many, "too many");
}

#[test]
fn hidden_text_and_empty_text() {
    let catalog = own("[games.x]\ntitle = \"a\\u202Eb\"\ndescription = ' '").unwrap();
    let entry = catalog.game(&id("x")).unwrap();
    assert_eq!(entry.title.as_ref().unwrap().as_str(), "ab");
    assert_eq!(entry.description, None);
}

#[test]
fn kinds_of_pictures() {
    let check = |bytes: &[u8], expected| assert_eq!(CoverKind::of(bytes), expected);
    check(b"\x89PNG\r\n\x1a\nrest", Some(CoverKind::Png));
    check(b"\xff\xd8\xff\xe0", Some(CoverKind::Jpeg));
    check(b"RIFF1234WEBPVP8 ", Some(CoverKind::WebP));
    check(b"RIFF1234WAVE", None);
    check(b"<svg onload=x>", None);
    check(b"GIF89a", None);
    check(b"", None);
}

#[test]
fn covers_on_disk() {
    let keep = tempfile::tempdir().unwrap();
    let (disk, root) = (RealDisk::new(), Place::root(keep.path()));
    assert_eq!(find_cover(&disk, &root).unwrap(), None);
    let png = b"\x89PNG\r\n\x1a\nx";
    atomic_file::write(&disk, &root, "cover.jpg", png).unwrap();
    let found = find_cover(&disk, &root).unwrap().unwrap();
    let cover = read_cover(&disk, &found.place).unwrap().unwrap();
    assert_eq!(
        (cover.kind, cover.bytes.as_slice()),
        (CoverKind::Png, png.as_slice())
    );
    atomic_file::write(&disk, &root, "cover.png", b"<script>").unwrap();
    let other = find_cover(&disk, &root).unwrap().unwrap();
    assert_ne!(other, found);
    assert_eq!(read_cover(&disk, &other.place).unwrap(), None);
    let large = vec![0x89; usize::try_from(COVER_BYTES_MAX).unwrap() + 1];
    atomic_file::write(&disk, &root, "cover.png", &large).unwrap();
    assert_eq!(find_cover(&disk, &root).unwrap(), Some(found));
    assert_eq!(read_cover(&disk, &root.own("cover.png")).unwrap(), None);
}
