// What a request of the wrong form is told, in Relay's words, and counted as. Pure.
// (getsentry/relay: relay-server/src/endpoints/common.rs, extractors/request_meta.rs; checked
// 2026-11)
#pragma once

#include <boost/system/error_code.hpp>

#include "relay/http_text.hpp"
#include "relay/outcome.hpp"

namespace relay {

/// `why` is a proto::Errc. Relay words body trouble as plain text, framing trouble as a cause.
[[nodiscard]] Answer format_answer(boost::system::error_code why);

/// `status`: that of the answer.
[[nodiscard]] RejectReason format_reason(unsigned status);

}  // namespace relay
