// How Sentry's own Lambda extension answers at its tunnel: what listens in its place must say the
// same (getsentry/sentry-javascript: packages/aws-serverless/src/lambda-extension/sentry-tunnel.ts;
// checked 2026-11). Pure.
#pragma once

#include "relay/http_text.hpp"

namespace relay {

/// Our answer in its words: "{}" instead of an id; {"error":"…"}. Where it has no words, being more
/// careless or failing with 500, ours stay, status and all, under "error". Headers stay, rate
/// limits among them.
[[nodiscard]] Answer tunnel_answer(Answer answer);

/// To anything but a POST.
[[nodiscard]] Answer tunnel_not_found();

}  // namespace relay
