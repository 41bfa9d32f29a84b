//! Who may use the control server: host, origin and token of a request, judged without doing
//! anything.
//!
//! A page in the user's browser can send requests to this server, and with a rebound name even read
//! the answers. So the host must be an address or `localhost` (those cannot be rebound), a foreign
//! origin is refused, and everything under `/api/` but pairing needs a secret that no page can
//! know: the token of `api.json`, or the session of a paired browser. A browser sends its session
//! by itself, so what changes something must then also say that it comes from our own page.
//!
//! The owner may name further hosts, and let everybody look: then the state is shown without a
//! secret to whoever asks for it, without what is nobody's business.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, Method, header, request::Parts};
use subtle::ConstantTimeEq;
use tokio::sync::watch;

use crate::{error::Report, host_name::HostName, pairing::Sessions};

/// Bytes of randomness in a token.
const TOKEN_BYTES: usize = 32;

/// The secret that a caller must show: 256 random bits as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

impl Token {
    /// Draws a new token.
    ///
    /// # Errors
    /// The operating system has no randomness.
    pub fn generate() -> Result<Self, Report> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)
            .map_err(|error| Report::new("internal", format!("no randomness: {error}")))?;
        Ok(Self(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    /// Reads a token; `None` if it does not have the form of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 2 * TOKEN_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self(text.to_owned()))
    }

    /// The secret itself; for `api.json`, never for a log.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Takes the same time wherever the first difference is.
    fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

/// Under which names a control server answers, and to whom besides those who show a secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Admits {
    /// Names of this machine besides its addresses and `localhost`.
    pub names: Vec<HostName>,
    /// Everybody may look at the state, without a secret.
    pub view: bool,
}

/// Who sent a request that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visitor {
    /// Somebody with a secret; or nobody in particular, for what is shown to all.
    Owner,
    /// Somebody without one, who looks.
    Guest,
}

/// Judges requests.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    port: u16,
    token: Token,
    sessions: watch::Receiver<Sessions>,
    admits: Admits,
}

/// Where a browser exchanges a code for a session.
pub(crate) const PAIRING: &str = "/api/pair";
/// What everybody may see where the owner lets everybody look.
pub(crate) const VIEWED: [&str; 2] = ["/api/snapshot", "/api/events"];
/// Everything that needs a secret lies below.
const GUARDED: &str = "/api/";
/// A browser is remembered for a year.
const SESSION_SECONDS: u32 = 365 * 24 * 60 * 60;

/// A request that is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It names a host that is not ours: perhaps a rebound name.
    Host,
    /// It comes from another origin's page.
    Origin,
    /// It has no token, or a wrong one.
    Token,
    /// It is not declared as JSON, as a form from another page would not be.
    NotJson,
}

impl Refused {
    pub(crate) fn report(self) -> Report {
        match self {
            Self::Host => Report::new("wrong-host", "the host of the request is not this server"),
            Self::Origin => Report::new("foreign-origin", "the request comes from another origin"),
            Self::Token => Report::new("no-token", "the request shows no valid token"),
            Self::NotJson => Report::new("not-json", "the request is not declared as JSON"),
        }
    }
}

impl Guard {
    pub(crate) const fn new(
        port: u16,
        token: Token,
        sessions: watch::Receiver<Sessions>,
        admits: Admits,
    ) -> Self {
        Self {
            port,
            token,
            sessions,
            admits,
        }
    }

    /// Judges a request by its head.
    pub(crate) fn admit(&self, request: &Parts) -> Result<Visitor, Refused> {
        let host = self.host(request).ok_or(Refused::Host)?;
        let (path, headers) = (request.uri.path(), &request.headers);
        let front_page = request.method == Method::GET && path == "/";
        let origin = same_origin(headers, host);
        if origin == Origin::Foreign || !same_site(headers, front_page) {
            return Err(Refused::Origin);
        }
        let changes = !request.method.is_safe();
        let guarded = path.starts_with(GUARDED) && path != PAIRING;
        if guarded && !self.shows_token(headers) {
            if !self.shows_session(headers) {
                return self.admit_guest(request).ok_or(Refused::Token);
            }
            if changes && origin != Origin::Ours {
                return Err(Refused::Origin);
            }
        }
        if changes && !is_json(headers) {
            return Err(Refused::NotJson);
        }
        Ok(Visitor::Owner)
    }

    /// Lets in whoever only looks. A token that is shown and wrong is a mistake, not a visit.
    fn admit_guest(&self, request: &Parts) -> Option<Visitor> {
        let looks = self.admits.view
            && request.method == Method::GET
            && VIEWED.contains(&request.uri.path())
            && !request.headers.contains_key(header::AUTHORIZATION);
        looks.then_some(Visitor::Guest)
    }

    /// The cookie that makes a browser come in from now on. Scripts cannot read it, other sites
    /// cannot have it sent. Its name holds the port: cookies know none.
    pub(crate) fn cookie(&self, session: &Token) -> String {
        format!(
            "{}={}; Path=/api; HttpOnly; SameSite=Strict; Max-Age={SESSION_SECONDS}",
            self.cookie_name(),
            session.reveal()
        )
    }

    fn cookie_name(&self) -> String {
        format!("lanspread_{}", self.port)
    }

    /// The host that the request names, if it is ours and named once.
    fn host<'a>(&self, request: &'a Parts) -> Option<&'a str> {
        let host = only(&request.headers, &header::HOST).ok().flatten()?;
        let target = request.uri.authority();
        let target_is_ours = target.is_none_or(|target| target.as_str() == host);
        (target_is_ours && self.is_ours(host)).then_some(host)
    }

    fn is_ours(&self, host: &str) -> bool {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, decimal(port)),
            _ => (host, Some(80)),
        };
        let ip_v6 = |name: &str| {
            let inner = name.strip_prefix('[').and_then(|n| n.strip_suffix(']'));
            inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
        };
        port == Some(self.port)
            && (name.eq_ignore_ascii_case("localhost")
                || self.admits.names.iter().any(|ours| ours.is(name))
                || name.parse::<Ipv4Addr>().is_ok()
                || ip_v6(name))
    }

    /// Whether a cookie of ours holds the secret of a paired browser.
    fn shows_session(&self, headers: &HeaderMap) -> bool {
        let cookies = only(headers, &header::COOKIE).ok().flatten();
        let name = self.cookie_name();
        let mut ours = cookies
            .into_iter()
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .filter(|(other, _)| *other == name);
        // A second one may have been set by another server of this machine.
        let sessions = self.sessions.borrow();
        ours.any(|(_, secret)| sessions.admit(secret))
    }

    fn shows_token(&self, headers: &HeaderMap) -> bool {
        let shown = only(headers, &header::AUTHORIZATION).ok().flatten();
        let bearer = shown.and_then(|value| value.split_once(' '));
        bearer.is_some_and(|(scheme, token)| {
            scheme.eq_ignore_ascii_case("bearer") && self.token.is(token.trim())
        })
    }
}

/// Where a request says that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Nowhere: no browser, or a browser that reads.
    Unsaid,
    /// The page of this server itself.
    Ours,
    /// Another page.
    Foreign,
}

fn same_origin(headers: &HeaderMap, host: &str) -> Origin {
    let ours = |origin: &str| {
        let bare = ["http://", "https://"]
            .iter()
            .find_map(|scheme| origin.strip_prefix(scheme));
        bare.is_some_and(|bare| bare.eq_ignore_ascii_case(host))
    };
    match only(headers, &header::ORIGIN) {
        Ok(None) => Origin::Unsaid,
        Ok(Some(origin)) if ours(origin) => Origin::Ours,
        Ok(Some(_)) | Err(Malformed) => Origin::Foreign,
    }
}

/// What a browser says about the page that sent the request. Another port of this machine is
/// `same-site`, and refused.
fn same_site(headers: &HeaderMap, front_page: bool) -> bool {
    let says = |name: &'static str| only(headers, &header::HeaderName::from_static(name));
    match says("sec-fetch-site") {
        Ok(None | Some("same-origin" | "none")) => true,
        // A link on another page may lead to the front page.
        Ok(Some("cross-site" | "same-site")) => {
            front_page && says("sec-fetch-mode") == Ok(Some("navigate"))
        }
        Ok(Some(_)) | Err(Malformed) => false,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = only(headers, &header::CONTENT_TYPE).ok().flatten();
    let essence = declared.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Digits only: a sign or a space is not a port.
fn decimal(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A header is there twice or is not text: two readers might see two values.
#[derive(Debug, PartialEq, Eq)]
struct Malformed;

fn only<'a>(
    headers: &'a HeaderMap,
    name: &header::HeaderName,
) -> Result<Option<&'a str>, Malformed> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        (Ok(_) | Err(_), _) => Err(Malformed),
    }
}

#[cfg(test)]
mod tests;
