#include "proto/errc.hpp"

#include <string>

namespace proto {
namespace {

const char* dsn_or_auth_text(Errc e) {
  switch (e) {
    case Errc::dsn_scheme:
      return "the DSN does not begin with http:// or https://";
    case Errc::dsn_key:
      return "the DSN has no public key of 32 characters";
    case Errc::dsn_host:
      return "the DSN has no usable host";
    case Errc::dsn_port:
      return "the DSN's port is not a number from 1 to 65535";
    // Also the answer to a URL whose project is no number; the text is Relay's.
    case Errc::dsn_project:
      return "bad project path parameter";
    case Errc::proxy_scheme:
      return "only http:// proxies are supported";
    case Errc::proxy_host:
      return "the proxy's URL has no usable host";
    case Errc::proxy_port:
      return "the proxy's port is not a number from 1 to 65535";
    case Errc::auth_missing:
      return "missing authorization information";
    case Errc::auth_multiple:
      return "multiple authorization payloads detected";
    case Errc::auth_invalid:
      return "bad x-sentry-auth header";
    case Errc::auth_key:
      return "bad sentry DSN public key";
    case Errc::auth_version:
      return "unsupported protocol version";
    case Errc::auth_envelope:
      return "bad envelope authentication header";
    default:
      return nullptr;
  }
}

const char* envelope_text(Errc e) {
  switch (e) {
    case Errc::envelope_empty_body:
      return "empty request body";
    case Errc::envelope_missing_header:
      return "missing envelope header";
    case Errc::envelope_missing_newline:
      return "missing newline after header or payload";
    case Errc::envelope_invalid_header:
      return "invalid envelope header";
    case Errc::envelope_invalid_dsn:
      return "the envelope header's dsn is no DSN";
    case Errc::envelope_invalid_item:
      return "invalid item header";
    case Errc::envelope_unexpected_eof:
      return "unexpected end of file";
    case Errc::envelope_too_many_items:
      return "too many individual items";
    case Errc::envelope_internal_items:
      return "envelope contains internal items";
    case Errc::envelope_project_mismatch:
      return "project id header mismatch between envelope and request";
    case Errc::envelope_key_mismatch:
      return "public key header mismatch between envelope and request";
    case Errc::envelope_item_too_large:
      return "envelope exceeded size limits";
    default:
      return nullptr;
  }
}

const char* encoding_or_json_text(Errc e) {
  switch (e) {
    case Errc::encoding_unknown:
      return "unsupported content encoding";
    case Errc::encoding_corrupt:
      return "the compressed body is corrupt";
    case Errc::encoding_truncated:
      return "the compressed body ends early";
    case Errc::encoding_too_large:
      return "length limit exceeded";
    case Errc::json_invalid:
      return "not valid JSON";
    case Errc::json_shape:
      return "not of the expected shape";
    case Errc::event_unknown:
      return "neither an INVOKE nor a SHUTDOWN event";
    default:
      return nullptr;
  }
}

class FormatCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "thaw.proto"; }

  [[nodiscard]] std::string message(int value) const override {
    const auto e = static_cast<Errc>(value);
    if (const char* text = dsn_or_auth_text(e)) return text;
    if (const char* text = envelope_text(e)) return text;
    if (const char* text = encoding_or_json_text(e)) return text;
    return "unknown format error";
  }
};

}  // namespace

const boost::system::error_category& errc_category() noexcept {
  static const FormatCategory category;
  return category;
}

}  // namespace proto
