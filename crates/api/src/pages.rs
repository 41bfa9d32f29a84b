//! The web UI, as it was built into this program. A program that was built without it serves a page
//! that says so.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use rust_embed::{EmbeddedFile, RustEmbed};

/// What `npm run build` made of `ui/`.
#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Ui;

/// Names under this one hold the hash of what they name.
const HASHED: &str = "assets/";
/// The page that everything begins with.
const INDEX: &str = "index.html";
/// What is served instead of the UI when it was not built in.
const NO_UI: &str = include_str!("front_page.html");

/// The file of the UI that an address names, if there is one.
pub(crate) fn page(uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let path = uri.path().strip_prefix('/')?;
    let path = if path.is_empty() { INDEX } else { path };
    match Ui::get(path) {
        Some(file) => Some(answer(path, &file, headers)),
        None if path == INDEX => {
            let html = header_value("text/html; charset=utf-8");
            Some(([(header::CONTENT_TYPE, html)], NO_UI).into_response())
        }
        None => None,
    }
}

fn answer(path: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let digits = file
        .metadata
        .sha256_hash()
        .map(|byte| format!("{byte:02x}"));
    let tag = format!("\"{}\"", digits.concat());
    let caching = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let known = headers.get(header::IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| names(known, &tag));
    let (status, body) = if is_known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        // What is in the program itself is not copied; only other kinds of builds own it.
        let bytes = match &file.data {
            std::borrow::Cow::Borrowed(bytes) => axum::body::Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => axum::body::Bytes::from(bytes.clone()),
        };
        (StatusCode::OK, Body::from(bytes))
    };
    let head = [
        (
            header::CONTENT_TYPE,
            header_value(&content_type(path, file)),
        ),
        (header::CACHE_CONTROL, header_value(caching)),
        (header::ETAG, header_value(&tag)),
    ];
    (status, head, body).into_response()
}

fn content_type(path: &str, file: &EmbeddedFile) -> String {
    let guessed = file.metadata.mimetype();
    // Everything that is text here is UTF-8.
    let is_text = guessed.starts_with("text/") || path.ends_with(".json");
    if is_text {
        format!("{guessed}; charset=utf-8")
    } else {
        guessed.to_owned()
    }
}

fn names(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    let mut tags = known.split(',').map(str::trim);
    tags.any(|other| other.strip_prefix("W/").unwrap_or(other) == tag)
}

fn header_value(text: &str) -> HeaderValue {
    // Types, tags and constants hold nothing that a header cannot.
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("no-store"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, headers: &[(header::HeaderName, &str)]) -> Option<Response> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap()));
        page(&path.parse().unwrap(), &headers.collect())
    }

    #[test]
    fn the_front_page_is_there_with_and_without_the_ui() {
        let page = of("/", &[]).unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(
            page.headers()[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
    }

    #[test]
    fn nothing_outside_of_the_ui_is_there() {
        for path in [
            "/../../Cargo.toml",
            "/%2e%2e/package.json",
            "//etc/passwd",
            "/x",
            "/assets/",
        ] {
            assert!(of(path, &[]).is_none(), "{path}");
        }
    }

    #[test]
    fn every_file_can_be_cached_and_is_of_a_known_type() {
        for path in Ui::iter() {
            let first = of(&format!("/{path}"), &[]).unwrap();
            let kind = first.headers()[header::CONTENT_TYPE].to_str().unwrap();
            assert_ne!(kind, "application/octet-stream", "{path}");
            let hashed = path.starts_with(HASHED);
            let caching = first.headers()[header::CACHE_CONTROL].to_str().unwrap();
            assert_eq!(caching.contains("immutable"), hashed, "{path}");
            let tag = first.headers()[header::ETAG].to_str().unwrap();
            let known = format!("\"other\", W/{tag}");
            let again = of(&format!("/{path}"), &[(header::IF_NONE_MATCH, &known)]).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
            let other = [(header::IF_NONE_MATCH, "\"other\"")];
            assert_eq!(
                of(&format!("/{path}"), &other).unwrap().status(),
                StatusCode::OK
            );
        }
    }
}
