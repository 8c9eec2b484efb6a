//! The same work on hyper: read the body, gunzip it if need be, look for the key, read the envelope's headers, keep it,
//! answer with its id. One thread, as Thaw.
use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::Read;

use flate2::read::GzDecoder;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;

const MOST_BYTES: usize = 16 << 20; // kept; above it the oldest go

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Default)]
struct Kept {
    bodies: VecDeque<Bytes>,
    bytes: usize,
}

impl Kept {
    fn add(&mut self, body: Bytes) {
        self.bytes += body.len();
        self.bodies.push_back(body);
        while self.bytes > MOST_BYTES {
            self.bytes -= self.bodies.pop_front().map_or(0, |oldest| oldest.len());
        }
    }
}

thread_local!(static KEPT: RefCell<Kept> = RefCell::default());

#[derive(Deserialize)]
struct Header<'a> {
    event_id: &'a str,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(rename = "type")]
    _kind: &'a str,
    length: Option<usize>,
}

fn cut(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    (&text[..end], text.get(end + 1..).unwrap_or_default())
}

/// The envelope's header.
fn read(body: &[u8]) -> Result<Header<'_>, Failure> {
    let (line, mut rest) = cut(body);
    let header = serde_json::from_slice(line)?;
    while !rest.is_empty() {
        let (line, payload) = cut(rest);
        let item: Item = serde_json::from_slice(line)?;
        rest = match item.length {
            None => cut(payload).1,
            Some(length) => {
                let behind = payload.get(length..).ok_or("no item")?;
                behind.strip_prefix(b"\n").unwrap_or(behind)
            }
        };
    }
    Ok(header)
}

fn has_key(request: &Request<Incoming>) -> bool {
    let auth = request.headers().get("x-sentry-auth").and_then(|value| value.to_str().ok());
    let key = auth.and_then(|auth| auth.split_once("sentry_key=")).map(|(_, behind)| behind);
    key.is_some_and(|key| key.split(',').next().unwrap_or_default().len() == 32)
}

async fn answer(request: Request<Incoming>) -> Result<String, Failure> {
    if !has_key(&request) {
        return Err("no key".into());
    }
    let zipped = request.headers().get(CONTENT_ENCODING).is_some_and(|name| name == "gzip");
    let mut body = request.into_body().collect().await?.to_bytes();
    if zipped {
        let mut whole = Vec::new();
        GzDecoder::new(&body[..]).read_to_end(&mut whole)?;
        body = whole.into();
    }
    let text = format!("{{\"id\":\"{}\"}}", read(&body)?.event_id);
    KEPT.with_borrow_mut(|kept| kept.add(body));
    Ok(text)
}

async fn take(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let response = Response::builder().header(CONTENT_TYPE, "application/json");
    Ok(match answer(request).await {
        Ok(text) => response.body(Full::new(text.into())),
        Err(failure) => response.status(StatusCode::BAD_REQUEST).body(Full::new(failure.to_string().into())),
    }
    .unwrap())
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::task::spawn_local(async move {
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(take))
                    .await;
            });
        }
    });
}
