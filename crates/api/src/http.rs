//! [`Server`]: the control server on loopback: one command route, the snapshot, the events,
//! pairing, and the files of the web UI.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Extension, Path, Request, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use lanspread_node::play::{Cover, CoverKind};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Admits, Guard, PAIRING, Token, Visitor},
    doorkeeper::Doorkeeper,
    error::{Kind, Report},
    hints::Language,
    household::Household,
    limit::Limited,
    pages, sse,
    types::{Command, Reply, Snapshot},
};

/// No command is longer: the longest is an order of a few thousand games.
pub const BODY_BYTES_MAX: usize = 256 << 10;
/// Connections at once; a browser opens six.
pub const CONNECTIONS_MAX: usize = 128;
/// Longest wait for the head of a request, the first one of a connection and every later one.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest wait for the body of a request that anybody may send.
const PAIRING_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the control server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At this address.
    At(SocketAddr),
    /// On both loopback addresses, on this port if it is free: a page that is open in a browser
    /// then finds the server again after a restart.
    Loopback(Option<u16>),
}

/// How often a pair of equal free ports for IPv4 and IPv6 is looked for.
const PORT_TRIES: usize = 16;

/// The body of an answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ErrorBody {
    /// What did not work.
    pub error: Report,
}

/// The control server, bound and not yet serving.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    address: SocketAddr,
    token: Token,
    admits: Admits,
}

impl Server {
    /// Binds the place.
    ///
    /// # Errors
    /// The address cannot be bound, or no port is free.
    pub async fn bind(place: Place, token: Token) -> Result<Self, Report> {
        let bound = match place {
            Place::At(address) => bind_one(address).await,
            Place::Loopback(port) => bind_loopback(port).await,
        };
        let (listeners, address) = bound.map_err(|error| {
            let wanted = match place {
                Place::At(address) => address.to_string(),
                Place::Loopback(_) => "loopback".to_owned(),
            };
            let message = format!("cannot listen on {wanted}: {error}");
            Report::new("http-listen", message)
        })?;
        Ok(Self {
            listeners,
            address,
            token,
            admits: Admits::default(),
        })
    }

    /// Answers under these names too, and to these visitors.
    #[must_use]
    pub fn admitting(self, admits: Admits) -> Self {
        Self { admits, ..self }
    }

    /// The address that clients on this machine use.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until stopped; ends when the last answer is sent, event streams included.
    pub async fn run(
        self,
        household: impl Household,
        doorkeeper: Doorkeeper,
        stop: CancellationToken,
    ) {
        let (port, sessions) = (self.address.port(), doorkeeper.sessions());
        let guard = Guard::new(port, self.token, sessions, self.admits);
        let shared = Shared {
            household,
            doorkeeper,
            guard,
            stop: stop.clone(),
            reach: Reach::Others,
        };
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let serve = |listener: TcpListener| {
            let reach = Reach::of(&listener);
            let app = router(Shared {
                reach,
                ..shared.clone()
            });
            let listener = Limited::new(listener, Arc::clone(&permits));
            serve_connections(listener, app, stop.clone())
        };
        futures_util::future::join_all(self.listeners.into_iter().map(serve)).await;
    }
}

/// Serves each connection until the stop, and then what is under way. Who sends no request is not
/// waited for: every connection counts.
async fn serve_connections(mut listener: Limited, app: Router, stop: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new());
    http.header_read_timeout(HEAD_TIMEOUT);
    let under_way = GracefulShutdown::new();
    while let Some(connection) = stop.run_until_cancelled(listener.accept()).await {
        let service = TowerToHyperService::new(app.clone());
        let served = http.serve_connection(TokioIo::new(connection), service);
        let served = under_way.watch(served);
        tokio::spawn(async move {
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection to the control server ended");
            }
        });
    }
    under_way.shutdown().await;
}

async fn bind_one(address: SocketAddr) -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let ip = match (bound.ip().is_unspecified(), bound.ip()) {
        (true, IpAddr::V4(_)) => Ipv4Addr::LOCALHOST.into(),
        (true, IpAddr::V6(_)) => Ipv6Addr::LOCALHOST.into(),
        (false, ip) => ip,
    };
    Ok((vec![listener], SocketAddr::new(ip, bound.port())))
}

/// Both loopback addresses get the same port: were `[::1]` left to somebody else, a browser that is
/// sent to `localhost` might reach them. A machine without IPv6 has only the one.
async fn bind_loopback(wanted: Option<u16>) -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    let any = std::iter::repeat_n(0, PORT_TRIES);
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in wanted.into_iter().chain(any) {
        match bind_both(port).await {
            Err(error) if is_taken(&error) => last = error,
            done => return done,
        }
    }
    Err(last)
}

async fn bind_both(port: u16) -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = first.local_addr()?;
    match TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).await {
        Ok(second) => Ok((vec![first, second], address)),
        Err(error) if is_taken(&error) => Err(error),
        Err(error) => {
            tracing::debug!(%error, "the control server has no IPv6");
            Ok((vec![first], address))
        }
    }
}

/// By somebody else, or kept by the system for itself, as Windows does with ranges of ports.
fn is_taken(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

/// From where a listener can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// From this machine alone.
    ThisMachine,
    /// From other machines too, or nobody knows.
    Others,
}

impl Reach {
    fn of(listener: &TcpListener) -> Self {
        match listener.local_addr() {
            Ok(address) if address.ip().to_canonical().is_loopback() => Self::ThisMachine,
            Ok(_) | Err(_) => Self::Others,
        }
    }
}

/// What every request needs.
#[derive(Debug, Clone)]
pub(crate) struct Shared<H> {
    pub(crate) household: H,
    pub(crate) stop: CancellationToken,
    doorkeeper: Doorkeeper,
    guard: Guard,
    reach: Reach,
}

fn router<H: Household>(shared: Shared<H>) -> Router {
    let guard = shared.guard.clone();
    Router::new()
        .route("/api/rpc", post(call::<H>))
        .route("/api/snapshot", get(snapshot::<H>))
        .route("/api/cover/{game}", get(cover::<H>))
        .route("/api/events", get(sse::events::<H>))
        .route(PAIRING, post(pair::<H>).layer(middleware::from_fn(in_time)))
        .fallback(page)
        .method_not_allowed_fallback(nothing_here)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(shared)
        .layer(middleware::from_fn_with_state(guard, guarded))
}

/// Judges the request before anything reads its body; adds the headers to every answer.
async fn guarded(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut response = match guard.admit(&parts) {
        Ok(visitor) => {
            parts.extensions.insert(visitor);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refused) => {
            tracing::warn!(path = parts.uri.path(), ?refused, "refused a request");
            failure(refused.report(), &parts.headers)
        }
    };
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Files of the page say themselves how long they may be kept.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
         font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
];

async fn call<H: Household>(
    State(shared): State<Shared<H>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answered = match parse::<Command>(body) {
        Ok(command) if command.starts_programs() && shared.reach != Reach::ThisMachine => {
            let message = "programs are started on the machine itself only";
            Err(Report::new("start-elsewhere", message))
        }
        Ok(command) => shared.household.call(command).await,
        Err(report) => Err(report),
    };
    match answered {
        Ok(reply) => Json::<Reply>(reply).into_response(),
        Err(report) => failure(report, &headers),
    }
}

/// What a browser shows to come in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PairBody {
    code: String,
}

/// For what anybody may send: a body that does not come holds no connection.
async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(PAIRING_TIMEOUT, next.run(request)).await;
    answer.unwrap_or_else(|_late| StatusCode::REQUEST_TIMEOUT.into_response())
}

async fn pair<H: Household>(
    State(shared): State<Shared<H>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let paired = match parse::<PairBody>(body) {
        Ok(PairBody { code }) => shared.doorkeeper.pair(code).await,
        Err(report) => Err(report),
    };
    match paired.map(|session| HeaderValue::try_from(shared.guard.cookie(&session))) {
        Ok(Ok(cookie)) => {
            tracing::info!("a browser was paired");
            ([(header::SET_COOKIE, cookie)], Json(serde_json::json!({}))).into_response()
        }
        Ok(Err(error)) => failure(Report::new("internal", error.to_string()), &headers),
        Err(report) => failure(report, &headers),
    }
}

fn parse<T: serde::de::DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Report> {
    let body = body.map_err(|rejection| Report::new("too-large", rejection.body_text()))?;
    let parsed = serde_json::from_slice(&body);
    parsed.map_err(|error| Report::new("bad-request", error.to_string()))
}

async fn snapshot<H: Household>(
    State(shared): State<Shared<H>>,
    Extension(visitor): Extension<Visitor>,
) -> Json<Snapshot> {
    let front = shared.household.fronts().borrow().clone();
    Json(Snapshot::from(&front).shown_to(visitor))
}

/// A picture; its address changes with it, so a browser may keep it.
async fn cover<H: Household>(
    State(shared): State<Shared<H>>,
    Path(game): Path<String>,
    headers: HeaderMap,
) -> Response {
    match shared.household.cover(&game).await {
        Ok(Some(Cover { kind, bytes })) => {
            let kind = match kind {
                CoverKind::Png => "image/png",
                CoverKind::Jpeg => "image/jpeg",
                CoverKind::WebP => "image/webp",
            };
            let keep = "private, max-age=31536000, immutable";
            let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)];
            (headers, bytes).into_response()
        }
        Ok(None) => nothing_here(headers).await,
        Err(report) => failure(report, &headers),
    }
}

async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let found = method.is_safe().then(|| pages::page(&uri, &headers));
    match found.flatten() {
        Some(page) => page,
        None => nothing_here(headers).await,
    }
}

async fn nothing_here(headers: HeaderMap) -> Response {
    let report = Report::new("no-such-page", "nothing is served here");
    failure(report, &headers)
}

fn failure(report: Report, headers: &HeaderMap) -> Response {
    let status = status(&report);
    let wanted = headers.get(header::ACCEPT_LANGUAGE);
    let language = wanted
        .and_then(|value| value.to_str().ok())
        .map_or(Language::English, Language::preferred);
    let error = report.in_language(language);
    (status, Json(ErrorBody { error })).into_response()
}

fn status(report: &Report) -> StatusCode {
    match (report.code.as_str(), report.kind) {
        ("bad-request" | "bad-value", _) => StatusCode::BAD_REQUEST,
        ("no-token", _) => StatusCode::UNAUTHORIZED,
        (
            "foreign-origin" | "bad-code" | "no-code" | "other-profile" | "consent-needed"
            | "start-elsewhere",
            _,
        ) => StatusCode::FORBIDDEN,
        ("unknown-game" | "unknown-peer" | "no-such-page", _) => StatusCode::NOT_FOUND,
        ("too-large", _) => StatusCode::PAYLOAD_TOO_LARGE,
        ("not-json", _) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ("wrong-host", _) => StatusCode::MISDIRECTED_REQUEST,
        ("stopping", _) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Kind::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        (_, Kind::User | Kind::Config | Kind::Environment | Kind::Peer) => StatusCode::CONFLICT,
    }
}

#[cfg(test)]
pub(crate) mod tests;
