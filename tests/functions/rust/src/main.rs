//! A function with Sentry's Rust SDK, run by AWS's own runtime client for Rust.
//!
//! Environment, event and answer: tests/system/sdk_functions.py.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use sentry::protocol::{Attachment, MonitorCheckIn, MonitorCheckInStatus, User};
use sentry::types::random_uuid;
use sentry::{ClientOptions, Hub, Scope, TransactionContext};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);
const QUEUE: usize = 200; // envelopes; 30 unless told
const BALLAST: usize = 6_000; // words of 15 random bytes, which do not compress to less

#[derive(Deserialize)]
struct Order {
    case: String,
    marker: String,
    #[serde(default)]
    count: usize,
}

#[derive(Serialize)]
struct Answer {
    sent: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<&'static str>,
}

fn capture(text: &str) {
    sentry::capture_error(&std::io::Error::other(text));
}

/// An error with more to it than its text.
fn capture_with(text: &str, change: impl FnOnce(&mut Scope)) {
    sentry::with_scope(change, || capture(text));
}

fn numbered(marker: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{marker}-{number}"))
        .collect()
}

fn transaction(name: &str) {
    let whole = sentry::start_transaction(TransactionContext::new(name, "function"));
    for step in 0..3 {
        whole.start_child("step", &format!("step {step}")).finish();
    }
    whole.finish();
}

/// The SDK has the item but no call for it: an envelope is made by hand.
fn check_in(monitor: &str) {
    let Some(client) = Hub::current().client() else {
        return;
    };
    let check_in_id = random_uuid();
    for status in [MonitorCheckInStatus::InProgress, MonitorCheckInStatus::Ok] {
        let check_in = MonitorCheckIn {
            check_in_id,
            monitor_slug: monitor.to_owned(),
            status,
            environment: None,
            duration: None,
            monitor_config: None,
        };
        client.send_envelope(check_in.into());
    }
}

fn session(distinct_id: &str) {
    let user = User {
        id: Some(distinct_id.to_owned()),
        ..User::default()
    };
    sentry::with_scope(
        |scope| scope.set_user(Some(user)),
        || {
            sentry::start_session();
            sentry::end_session();
        },
    );
}

fn attachment(marker: &str) {
    let order = Attachment {
        buffer: marker.into(),
        filename: "order.txt".to_owned(),
        ..Attachment::default()
    };
    capture_with(marker, |scope| scope.add_attachment(order));
}

fn noise() -> String {
    (0..BALLAST)
        .map(|_| random_uuid().simple().to_string())
        .collect()
}

/// None where the SDK lacks the case.
fn send(order: &Order) -> Option<Vec<String>> {
    let marker = order.marker.as_str();
    match order.case.as_str() {
        "error" | "limited" => capture(marker),
        "transaction" => transaction(marker),
        "logs" => {
            let texts = numbered(marker, 3);
            texts
                .iter()
                .for_each(|text| sentry::logger_info!("{}", text.as_str()));
            return Some(texts);
        }
        "check_in" => check_in(marker),
        "session" => session(marker),
        "attachment" => attachment(marker),
        "large" => capture_with(marker, |scope| scope.set_extra("ballast", noise().into())),
        "burst" => {
            let texts = numbered(marker, order.count);
            texts.iter().for_each(|text| capture(text));
            return Some(texts);
        }
        _ => return None,
    }
    Some(vec![marker.to_owned()])
}

async fn handle(event: LambdaEvent<Order>) -> Result<Answer, Error> {
    let sent = send(&event.payload);
    if let Some(client) = Hub::current().client() {
        client.flush(None); // the guard of main() is never dropped
    }
    let skipped = if sent.is_none() {
        Some("SDK has none")
    } else {
        None
    };
    Ok(Answer {
        sent: sent.unwrap_or_default(),
        skipped,
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // The DSN and the release come from the environment.
    let options = ClientOptions::new()
        .traces_sample_rate(1.0)
        .transport_channel_capacity(QUEUE)
        .shutdown_timeout(PATIENCE);
    let _guard = sentry::init(options);
    lambda_runtime::run(service_fn(handle)).await
}
