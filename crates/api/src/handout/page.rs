//! The one page of the hand-out, in English and German. Whatever is in a name is text in it.

use std::fmt::Write;

use super::{FILES, Item, STYLE};
use crate::{amount::Bytes, hints::Language};

/// The look; light or dark as the browser wants it.
pub(super) const CSS: &str = include_str!("style.css");

/// What the page says.
struct Texts {
    language: &'static str,
    lead: &'static str,
    what: &'static str,
    linux: &'static str,
    windows: &'static str,
    checked: &'static str,
}

const ENGLISH: Texts = Texts {
    language: "en",
    lead: "Every game of the party, from everybody, at the speed of the wire.",
    what: "Take it from here; no internet is needed.",
    linux: "Linux: save <b>lanspread</b>, then in a terminal where it was saved:",
    windows: "Windows: save the archive that is for Windows, unpack it, and start \
        <b>lanspread.exe</b>. If it is not in the list, ask whoever showed you this page.",
    checked: "To be sure that nothing was changed on its way, compare the BLAKE3 sum with what \
        the neighbour's screen says (<code>b3sum FILE</code>).",
};

const GERMAN: Texts = Texts {
    language: "de",
    lead: "Jedes Spiel der Party, von allen, so schnell das Kabel ist.",
    what: "Hol es dir von hier; Internet ist nicht nötig.",
    linux: "Linux: speichere <b>lanspread</b>, dann in einem Terminal, wo es liegt:",
    windows: "Windows: speichere das Archiv für Windows, entpacke es und starte \
        <b>lanspread.exe</b>. Ist keines in der Liste, frag, wer dir diese Seite gezeigt hat.",
    checked: "Um sicher zu sein, dass unterwegs nichts verändert wurde, vergleiche die \
        BLAKE3-Summe mit der auf dem Bildschirm des Nachbarn (<code>b3sum DATEI</code>).",
};

/// The page.
pub(super) fn html(items: &[Item], language: Language) -> String {
    let texts = match language {
        Language::English => ENGLISH,
        Language::German => GERMAN,
    };
    let Texts {
        language,
        lead,
        what,
        linux,
        windows,
        checked,
    } = texts;
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>LanSpread</title>\n\
         <link rel=\"stylesheet\" href=\"{STYLE}\">\n<main>\n<h1>LanSpread</h1>\n\
         <p>{lead}\n<p>{what}\n<ul>\n"
    );
    for item in items {
        // Writing into a string cannot fail.
        let _always_ok = writeln!(
            page,
            "<li><a href=\"{FILES}{}\" download>{}</a> <span>{}</span><code>{}</code>",
            item.encoded(),
            escape(item.name()),
            Bytes(item.bytes()),
            item.blake3().to_hex(),
        );
    }
    page.push_str(&format!(
        "</ul>\n<p>{linux}\n<pre>chmod +x lanspread\n./lanspread</pre>\n<p>{windows}\n\
         <p>{checked}\n</main>\n</html>\n"
    ));
    page
}

/// The text as HTML shows it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text() {
        let check = |text: &str, expected: &str| assert_eq!(escape(text), expected);
        check("a.zip", "a.zip");
        check(
            "<img src=x onerror='1'>&\"",
            "&lt;img src=x onerror=&#39;1&#39;&gt;&amp;&quot;",
        );
    }

    #[test]
    fn both_languages_say_everything() {
        for (language, mark) in [(Language::English, "en"), (Language::German, "de")] {
            let page = html(&[], language);
            assert!(page.contains(&format!("<html lang=\"{mark}\">")), "{page}");
            assert!(page.contains("chmod +x lanspread"), "{page}");
        }
        let one = html(&[], Language::English);
        assert_ne!(one, html(&[], Language::German));
    }
}
