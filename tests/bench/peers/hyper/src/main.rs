//! The same work on hyper: read the body, gunzip it if need be, answer with the header's id.
//! One thread, as Thaw.
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

#[derive(Deserialize)]
struct Header<'a> {
    event_id: &'a str,
}

async fn answer(request: Request<Incoming>) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let zipped = request.headers().get(CONTENT_ENCODING).is_some_and(|name| name == "gzip");
    let mut body = request.into_body().collect().await?.to_bytes();
    if zipped {
        let mut whole = Vec::new();
        GzDecoder::new(&body[..]).read_to_end(&mut whole)?;
        body = whole.into();
    }
    let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let header: Header = serde_json::from_slice(line)?;
    Ok(format!("{{\"id\":\"{}\"}}", header.event_id))
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
