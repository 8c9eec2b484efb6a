// Every way bytes from a peer can fail to be what they should. One coin with network errors:
// boost::system::error_code, so both travel in the same Result and compare with ==.
#pragma once

#include <boost/system/error_code.hpp>

namespace proto {

enum class Errc {
  // DSN
  dsn_scheme = 1,  ///< not http:// or https://
  dsn_key,         ///< no public key, or not 32 ASCII bytes
  dsn_host,        ///< no host, or a host with control characters, blanks or user-info in it
  dsn_port,        ///< not 1..65535
  dsn_project,     ///< the last path segment is not an unsigned 64-bit integer

  // Proxy
  proxy_scheme,  ///< neither http:// nor none at all
  proxy_host,    ///< no host, or a host with control characters, blanks or user-info in it
  proxy_port,    ///< not 1..65535

  // Auth (getsentry/relay: relay-server/src/extractors/request_meta.rs)
  auth_missing,   ///< none of the places holds one: 401 "missing authorization information"
  auth_multiple,  ///< two places hold one: 401 "multiple authorization payloads detected"
  auth_invalid,   ///< a Sentry header without sentry_key: 401 "bad x-sentry-auth header"
  auth_key,       ///< a key that is not 32 ASCII bytes: 400 "bad sentry DSN public key"
  auth_version,   ///< protocol version above 7: 400 "unsupported protocol version (N)"
  auth_envelope,  ///< no HTTP auth, envelope without full dsn: 401 "bad envelope authentication
                  ///< header"

  // Envelope framing; the texts are Relay's own "causes"
  envelope_empty_body,        ///< "empty request body"
  envelope_missing_header,    ///< "missing envelope header"
  envelope_missing_newline,   ///< "missing newline after header or payload"
  envelope_invalid_header,    ///< "invalid envelope header"
  envelope_invalid_dsn,       ///< the same to Relay: the header's dsn is none
  envelope_invalid_item,      ///< "invalid item header"
  envelope_unexpected_eof,    ///< "unexpected end of file"
  envelope_too_many_items,    ///< "too many individual items"
  envelope_internal_items,    ///< "envelope contains internal items"
  envelope_project_mismatch,  ///< "project id header mismatch between envelope and request"
  envelope_key_mismatch,      ///< "public key header mismatch between envelope and request"
  envelope_item_too_large,    ///< 413 "envelope exceeded size limits for type '…'"

  // Content-Encoding
  encoding_unknown,    ///< not one we can undo: 415
  encoding_corrupt,    ///< the stream breaks its own format: 400
  encoding_truncated,  ///< the stream ends early: 400
  encoding_too_large,  ///< the decoded body would exceed the limit: 413

  // Platform JSON
  json_invalid,   ///< not JSON
  json_shape,     ///< JSON, but not the shape that was asked for
  event_unknown,  ///< an eventType that is neither INVOKE nor SHUTDOWN
};

const boost::system::error_category& errc_category() noexcept;

inline boost::system::error_code make_error_code(Errc e) noexcept {
  return {static_cast<int>(e), errc_category()};
}

}  // namespace proto

template <>
struct boost::system::is_error_code_enum<proto::Errc> : std::true_type {};
