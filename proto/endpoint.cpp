#include "proto/endpoint.hpp"

#include <algorithm>
#include <span>

#include <boost/container/small_vector.hpp>

#include "proto/auth.hpp"
#include "proto/number.hpp"
#include "proto/url_text.hpp"

namespace proto {
namespace {

using Segments = std::span<const std::string_view>;

/// As many as a usual path has without an allocation.
using SegmentList = boost::container::small_vector<std::string_view, 8>;

SegmentList segments_of(std::string_view path) {
  SegmentList segments;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (slash > 0) segments.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return segments;
}

/// "*" stands for any one segment.
bool matches(Segments segments, std::initializer_list<std::string_view> pattern) {
  return std::ranges::equal(segments, pattern, [](std::string_view segment, std::string_view want) {
    return want == "*" || segment == want;
  });
}

/// What stands below a project.
EndpointKind kind_of(Segments below) {
  using enum EndpointKind;
  if (matches(below, {"envelope"})) return envelope;
  if (matches(below, {"store"})) return store;
  if (matches(below, {"minidump"})) return minidump;
  if (matches(below, {"cron", "*"}) || matches(below, {"cron", "*", "*"})) return cron;
  if (matches(below, {"integration", "otlp", "v1", "traces"})) return otlp;
  if (matches(below, {"integration", "otlp", "v1", "logs"})) return otlp;
  if (matches(below, {"integration", "vercel", "logs"})) return vercel;
  if (matches(below, {"unreal", "*"})) return unreal;
  if (matches(below, {"events", "*", "attachments"})) return attachments;
  const bool is_report =
      matches(below, {"security"}) || matches(below, {"csp-report"}) || matches(below, {"nel"});
  return is_report ? security : other;
}

/// Only known endpoints are matched whatever their project is, so that a bad one is told as bad.
bool may_forward(std::string_view project, Segments below) {
  if (kind_of(below) != EndpointKind::other) return true;
  return parse_number<std::uint64_t>(project).value_or(0) > 0 && below.front() != "upload";
}

/// The place of the "api" that an endpoint begins with: the last one that fits, because a prefix
/// may hold another.
std::optional<std::size_t> find_api(Segments segments) {
  for (std::size_t at = segments.size(); at-- > 0;) {
    if (segments[at] != "api" || segments.size() - at < 3) continue;
    if (may_forward(segments[at + 1], segments.subspan(at + 2))) return at;
  }
  return std::nullopt;
}

/// A segment that a server on the way may take for a step up or none.
bool is_dots(std::string_view segment) {
  constexpr std::size_t kLongest = 6;  // "%2e%2e"
  if (segment.size() > kLongest || (segment.front() != '.' && segment.front() != '%')) return false;
  const std::string text = decode_query_text(segment);
  return text == "." || text == "..";
}

std::string joined(Segments segments) {
  std::string text;
  for (const auto segment : segments) text.append(segment).append("/");
  return text;
}

/// 32 digits of a random UUID, version 4 (RFC 9562 §5.4), as Relay makes them.
std::string random_id(std::array<std::uint64_t, 2> random) {
  constexpr std::string_view kHex = "0123456789abcdef";
  constexpr std::uint64_t kVersion = 0x4000;
  constexpr std::uint64_t kVariant = 0x8000000000000000;
  random[0] = (random[0] & ~std::uint64_t{0xf000}) | kVersion;
  random[1] = (random[1] & ~std::uint64_t{0xc000000000000000}) | kVariant;
  std::string id;
  for (const std::uint64_t half : random) {
    for (unsigned shift = 64; shift > 0; shift -= 4) id += kHex[half >> (shift - 4) & 15U];
  }
  return id;
}

std::string dashed(std::string id) {
  for (const std::size_t at : {20U, 16U, 12U, 8U}) id.insert(at, "-");
  return id;
}

InstantAnswer otlp_answer(std::string_view content_type) {
  constexpr std::string_view kProtobuf = "application/x-protobuf";
  // An empty message has no bytes.
  if (content_type.starts_with(kProtobuf)) return {200, "", kProtobuf};
  return {200, "{}", "application/json"};
}

}  // namespace

TargetParts split_target(std::string_view target) {
  const auto mark = std::min(target.find('?'), target.size());
  return {target.substr(0, mark), target.substr(std::min(mark + 1, target.size()))};
}

std::optional<Endpoint> match_endpoint(std::string_view path) {
  const auto found = segments_of(path);
  const Segments segments{found.data(), found.size()};
  if (std::ranges::any_of(segments, is_dots)) return std::nullopt;
  const auto api = find_api(segments);
  Endpoint endpoint;
  if (!api) {
    endpoint.kind = EndpointKind::tunnel;
    return path.starts_with("/envelope") ? std::optional{endpoint} : std::nullopt;
  }
  const Segments below = segments.subspan(*api + 2);
  endpoint.kind = kind_of(below);
  for (const auto segment : segments.first(*api)) endpoint.prefix.append("/").append(segment);
  endpoint.project = segments[*api + 1];
  endpoint.path = joined(below);
  if (endpoint.kind == EndpointKind::other && !path.ends_with('/')) endpoint.path.pop_back();
  return endpoint;
}

bool takes_method(EndpointKind kind, std::string_view method) {
  return method == "POST" || (kind == EndpointKind::cron && method == "GET");
}

bool takes_envelope(EndpointKind kind, std::string_view content_type) {
  return kind == EndpointKind::envelope || kind == EndpointKind::tunnel ||
         (kind == EndpointKind::store && content_type == "application/x-sentry-envelope");
}

std::string_view key_in_path(std::string_view path) {
  if (!path.starts_with("cron/") && !path.starts_with("unreal/")) return {};
  const auto found = segments_of(path);
  const Segments below{found.data(), found.size()};
  if (matches(below, {"cron", "*", "*"}) || matches(below, {"unreal", "*"})) return below.back();
  return {};
}

Category opaque_category(EndpointKind kind) {
  return kind == EndpointKind::cron ? Category::monitor : Category::default_;
}

InstantAnswer success_answer(EndpointKind kind, std::string_view content_type,
                             std::array<std::uint64_t, 2> random) {
  switch (kind) {
    case EndpointKind::envelope:
    case EndpointKind::tunnel:
    case EndpointKind::other:
      return {200, "{}", "application/json"};
    case EndpointKind::store:
      return {200, R"({"id":")" + random_id(random) + "\"}", "application/json"};
    case EndpointKind::cron:
    case EndpointKind::vercel:
      return {202, "", ""};
    case EndpointKind::otlp:
      return otlp_answer(content_type);
    case EndpointKind::minidump:
    case EndpointKind::unreal:
      return {200, dashed(random_id(random)), "text/plain"};
    case EndpointKind::attachments:
      return {201, "", ""};
    case EndpointKind::security:
      return {200, "", ""};
  }
  return {200, "{}", "application/json"};
}

UpstreamTarget compose_target(const Dsn& dsn, std::string_view path, std::string_view query,
                              std::string_view client) {
  UpstreamTarget composed;
  composed.target = dsn.path_prefix + "/api/" + std::to_string(dsn.project_id) + "/";
  composed.target.append(path);
  std::string pairs{query};
  if (!key_in_path(path).empty()) {
    composed.auth = AuthPlace::path;
  } else if (query_holds_auth(query)) {
    composed.auth = AuthPlace::query;
    const Auth auth{.public_key = dsn.public_key, .client = std::string{client}};
    pairs.insert(0, to_query(auth) + "&");
  }
  if (!pairs.empty()) composed.target.append("?").append(pairs);
  return composed;
}

}  // namespace proto
