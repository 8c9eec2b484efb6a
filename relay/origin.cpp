#include "relay/origin.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "proto/ascii.hpp"
#include "proto/dsn.hpp"
#include "proto/number.hpp"
#include "proto/url_text.hpp"
#include "relay/route.hpp"

namespace relay {
namespace {

constexpr std::string_view kTakenHeaders =
    "x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type, "
    "authentication, authorization, content-encoding, transfer-encoding";

struct Parts {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
};

std::optional<Parts> parse(std::string_view text) {
  const auto scheme_is = [&](std::string_view scheme) {
    return proto::equal_ignoring_case(text.substr(0, scheme.size()), scheme);
  };
  Parts parts;
  parts.tls = scheme_is("https://");
  if (!parts.tls && !scheme_is("http://")) return std::nullopt;
  text.remove_prefix(parts.tls ? 8 : 7);
  parts.port = parts.tls ? 443 : 80;
  const bool literal = text.starts_with('[');
  const auto host_end = std::min(literal ? text.find(']') : text.find(':'), text.size());
  const auto port_at = std::min(host_end + (literal ? 1 : 0), text.size());
  if (port_at < text.size()) {
    if (text[port_at] != ':') return std::nullopt;
    const auto port = proto::parse_port(text.substr(port_at + 1));
    if (!port) return std::nullopt;
    parts.port = *port;
  }
  parts.host = proto::normalize_host(text.substr(0, port_at));
  if (parts.host.empty() || parts.host.find_first_of("*,;\"'<>") != std::string::npos) {
    return std::nullopt;
  }
  return parts;
}

std::string to_text(const Parts& parts) {
  return (parts.tls ? "https://" : "http://") +
         proto::to_short_authority(parts.host, parts.port, parts.tls);
}

std::string allow_line(std::string_view origin) {
  return "Access-Control-Allow-Origin: " + normalize_origin(origin).value_or("null") +
         "\r\nVary: Origin\r\n";
}

}  // namespace

OriginVerdict judge_origin(const OriginSettings& settings, std::string_view origin) {
  if (!settings.checked || origin.empty()) return OriginVerdict::same;
  const auto parts = parse(origin);
  if (!parts) return OriginVerdict::foreign;
  if (std::ranges::find(settings.allowed, to_text(*parts)) != settings.allowed.end()) {
    return OriginVerdict::allowed;
  }
  return is_loopback_name(parts->host) ? OriginVerdict::same : OriginVerdict::foreign;
}

std::optional<std::string> normalize_origin(std::string_view text) {
  const auto parts = parse(text);
  return parts ? std::optional(to_text(*parts)) : std::nullopt;
}

Answer refuse_origin() {
  return error_answer(403,
                      "a web page of another site may not send here; if it is yours, start with "
                      "thaw serve --allow-origin and what its address begins with: "
                      "https://HOST or http://HOST:PORT");
}

Answer preflight_answer(std::string_view origin) {
  Answer answer{200, ""};
  answer.headers = allow_line(origin) + "Access-Control-Allow-Methods: POST\r\n" +
                   "Access-Control-Allow-Headers: " + std::string(kTakenHeaders) +
                   "\r\nAccess-Control-Max-Age: 3600\r\n";
  return answer;
}

Answer readable_by(std::string_view origin, Answer answer) {
  answer.headers += allow_line(origin);
  answer.headers +=
      "Access-Control-Expose-Headers: x-sentry-error, x-sentry-rate-limits, retry-after\r\n";
  return answer;
}

}  // namespace relay
