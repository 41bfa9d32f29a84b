//! [`Handout`]: this program and a few files for neighbours who have neither it nor the internet.
//!
//! A listener of its own: one page, its style and the files, by GET. It knows nothing of a node,
//! takes nothing in, and what it serves was opened before it began: a path out of a request is
//! compared, never opened.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{Id, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{error::Report, hints::Language};

pub use self::item::{Item, ItemError};
use self::stall::Unstalled;

mod item;
mod page;
mod stall;

/// The port that is tried first; the next ones if it is taken.
pub const PORT_DEFAULT: u16 = 47_180;
/// Files that are handed out, this program among them.
pub const ITEMS_MAX: usize = 64;
/// Connections at once; the next ones wait.
pub const CONNECTIONS_MAX: usize = 64;
/// Connections of one address at once; more of them are closed.
pub const CONNECTIONS_OF_ONE_MAX: usize = 8;
/// Bytes of a request before its body, which is not read.
pub const HEAD_BYTES_MAX: usize = 16 << 10;
/// Headers of a request.
pub const HEADERS_MAX: usize = 64;
/// A request must be there after so long.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Somebody who takes nothing for so long is gone.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// No connection lasts longer, however it trickles.
pub const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Ports that are tried behind the default.
const PORTS_TRIED: u16 = 16;
/// The pause when the system gives no connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// The directory of the files in addresses.
const FILES: &str = "/files/";
const STYLE: &str = "/style.css";

/// A listener and what it serves.
#[derive(Debug)]
pub struct Handout {
    listener: TcpListener,
    address: SocketAddr,
    stock: Arc<Stock>,
}

/// What is served.
#[derive(Debug)]
struct Stock {
    items: Vec<Item>,
}

impl Handout {
    /// Listens at an address, or on every IPv4 address on the default port or one of the next.
    ///
    /// # Errors
    /// `http-listen`: the address cannot be bound, or none of the ports is free.
    pub async fn bind(wanted: Option<SocketAddr>, items: Vec<Item>) -> Result<Self, Report> {
        let (listener, address) = listen(wanted).await.map_err(|error| {
            let place = wanted.map_or_else(|| "any port".to_owned(), |at| at.to_string());
            Report::new("http-listen", format!("cannot listen on {place}: {error}"))
        })?;
        let stock = Arc::new(Stock { items });
        Ok(Self {
            listener,
            address,
            stock,
        })
    }

    /// Where it listens; the address may stand for all addresses.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until stopped; what is under way then is cut.
    pub async fn run(self, stop: CancellationToken) {
        let mut serving = JoinSet::new();
        let mut open: HashMap<Id, IpAddr> = HashMap::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = serving.join_next_with_id() => {
                    open.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
                }
                accepted = self.listener.accept(), if serving.len() < CONNECTIONS_MAX => {
                    let Some((stream, from)) = usable(accepted).await else {
                        continue;
                    };
                    let ip = from.ip().to_canonical();
                    if open.values().filter(|other| **other == ip).count()
                        < CONNECTIONS_OF_ONE_MAX
                    {
                        let stock = Arc::clone(&self.stock);
                        open.insert(serving.spawn(serve(stream, ip, stock)).id(), ip);
                    }
                }
            }
        }
    }
}

async fn listen(wanted: Option<SocketAddr>) -> io::Result<(TcpListener, SocketAddr)> {
    if let Some(wanted) = wanted {
        let listener = TcpListener::bind(wanted).await?;
        let address = listener.local_addr()?;
        return Ok((listener, address));
    }
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for port in PORT_DEFAULT..PORT_DEFAULT + PORTS_TRIED {
        let address = SocketAddr::from(([0, 0, 0, 0], port));
        match TcpListener::bind(address).await {
            Ok(listener) => return Ok((listener, address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A guest that went away again is no reason to stop, and neither is a lack of descriptors.
async fn usable(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            tracing::debug!(%error, "no connection");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// One connection, one answer.
async fn serve(stream: TcpStream, from: IpAddr, stock: Arc<Stock>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let response = stock.answer(&request, from);
        async move { Ok::<_, Infallible>(response) }
    });
    let stream = TokioIo::new(Unstalled::new(stream, STALL_TIMEOUT));
    let served = http1::Builder::new()
        .keep_alive(false)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(stream, answer);
    match tokio::time::timeout(CONNECTION_TIMEOUT, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%from, %error, "a guest got no whole answer"),
        Err(late) => tracing::info!(%from, %late, "a guest took too long"),
    }
}

impl Stock {
    fn answer<B>(&self, request: &Request<B>, from: IpAddr) -> Response<Body> {
        let mut response = self.judge(request, from);
        for (name, value) in HEADERS {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn judge<B>(&self, request: &Request<B>, from: IpAddr) -> Response<Body> {
        if request.method() != Method::GET {
            let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "only GET\n".into());
            let get = HeaderValue::from_static("GET");
            refused.headers_mut().insert(header::ALLOW, get);
            return refused;
        }
        // Whoever names another host takes this for a proxy.
        let path = match request.uri().authority() {
            None => request.uri().path(),
            Some(_) => "",
        };
        match path {
            "/" => {
                let html = page::html(&self.items, language(request));
                text(StatusCode::OK, "text/html; charset=utf-8", html)
            }
            STYLE => text(
                StatusCode::OK,
                "text/css; charset=utf-8",
                page::CSS.to_owned(),
            ),
            path => match self.item(path) {
                Some(item) => {
                    tracing::info!(%from, name = item.name(), "handed out");
                    item.response()
                }
                None => text(StatusCode::NOT_FOUND, PLAIN, "nothing is here\n".into()),
            },
        }
    }

    /// The file that a path names exactly as the page writes it.
    fn item(&self, path: &str) -> Option<&Item> {
        let name = path.strip_prefix(FILES)?;
        self.items.iter().find(|item| item.encoded() == name)
    }
}

const PLAIN: &str = "text/plain; charset=utf-8";

const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
         form-action 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn language<B>(request: &Request<B>) -> Language {
    let wanted = request.headers().get(header::ACCEPT_LANGUAGE);
    let wanted = wanted.and_then(|value| value.to_str().ok());
    wanted.map_or(Language::English, Language::preferred)
}

#[cfg(test)]
mod tests;
