//! [`Server`]: the control server on loopback: one command route, the snapshot, the events.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Request, State, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Guard, Token},
    error::{Kind, Report},
    hints::Language,
    household::Household,
    limit::Limited,
    sse,
    types::{Command, Reply, Snapshot},
};

/// No command is longer: the longest is an order of a few thousand games.
pub const BODY_BYTES_MAX: usize = 256 << 10;
/// Connections at once; a browser opens six.
pub const CONNECTIONS_MAX: usize = 128;
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
}

impl Server {
    /// Binds the given address, or a free port of both loopback addresses.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(address: Option<SocketAddr>, token: Token) -> Result<Self, Report> {
        let bound = match address {
            Some(address) => bind_one(address).await,
            None => bind_loopback().await,
        };
        let (listeners, address) = bound.map_err(|error| {
            let wanted = address.map_or_else(|| "loopback".to_owned(), |a| a.to_string());
            let message = format!("cannot listen on {wanted}: {error}");
            Report::new("http-listen", message)
        })?;
        Ok(Self {
            listeners,
            address,
            token,
        })
    }

    /// The address that clients on this machine use.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until stopped; ends when the last answer is sent, event streams included.
    pub async fn run(self, household: impl Household, stop: CancellationToken) {
        let app = router(household, self.address.port(), self.token, stop.clone());
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let serve = |listener| {
            let listener = Limited::new(listener, Arc::clone(&permits));
            let stopped = stop.clone().cancelled_owned();
            let serving = axum::serve(listener, app.clone()).with_graceful_shutdown(stopped);
            async move {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "the control server ended");
                }
            }
        };
        futures_util::future::join_all(self.listeners.into_iter().map(serve)).await;
    }
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
async fn bind_loopback() -> io::Result<(Vec<TcpListener>, SocketAddr)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_TRIES {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = first.local_addr()?;
        match TcpListener::bind((Ipv6Addr::LOCALHOST, address.port())).await {
            Ok(second) => return Ok((vec![first, second], address)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            Err(error) => {
                tracing::debug!(%error, "the control server has no IPv6");
                return Ok((vec![first], address));
            }
        }
    }
    Err(last)
}

/// What every request needs.
#[derive(Debug, Clone)]
pub(crate) struct Shared<H> {
    pub(crate) household: H,
    pub(crate) stop: CancellationToken,
}

fn router<H: Household>(household: H, port: u16, token: Token, stop: CancellationToken) -> Router {
    Router::new()
        .route("/", get(front_page))
        .route("/api/rpc", post(call::<H>))
        .route("/api/snapshot", get(snapshot::<H>))
        .route("/api/events", get(sse::events::<H>))
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Shared { household, stop })
        .layer(middleware::from_fn_with_state(
            Guard::new(port, token),
            guarded,
        ))
}

/// Judges the request before anything reads its body; adds the headers to every answer.
async fn guarded(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = match guard.admit(&parts) {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(refused) => {
            tracing::warn!(path = parts.uri.path(), ?refused, "refused a request");
            failure(refused.status(), refused.report(), &parts.headers)
        }
    };
    for (name, value) in SECURITY_HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

const SECURITY_HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
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
    (header::CACHE_CONTROL, "no-store"),
];

async fn call<H: Household>(
    State(shared): State<Shared<H>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => {
            let report = Report::new("too-large", rejection.body_text());
            return failure(rejection.status(), report, &headers);
        }
    };
    let answered = match serde_json::from_slice::<Command>(&body) {
        Ok(command) => shared.household.call(command).await,
        Err(error) => Err(Report::new("bad-request", error.to_string())),
    };
    match answered {
        Ok(reply) => Json::<Reply>(reply).into_response(),
        Err(report) => failure(status(&report), report, &headers),
    }
}

async fn snapshot<H: Household>(State(shared): State<Shared<H>>) -> Json<Snapshot> {
    let snapshot = Arc::clone(&shared.household.snapshots().borrow());
    Json((&*snapshot).into())
}

async fn front_page() -> Html<&'static str> {
    Html(include_str!("front_page.html"))
}

async fn nothing_here(headers: HeaderMap) -> Response {
    let report = Report::new("no-such-page", "nothing is served here");
    failure(StatusCode::NOT_FOUND, report, &headers)
}

fn failure(status: StatusCode, report: Report, headers: &HeaderMap) -> Response {
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
        ("unknown-game" | "unknown-peer", _) => StatusCode::NOT_FOUND,
        ("stopping", _) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Kind::Internal) => StatusCode::INTERNAL_SERVER_ERROR,
        (_, Kind::User | Kind::Config | Kind::Environment | Kind::Peer) => StatusCode::CONFLICT,
    }
}

#[cfg(test)]
pub(crate) mod tests;
