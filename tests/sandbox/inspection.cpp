#include "tests/sandbox/inspection.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <zlib.h>

#include "proto/auth.hpp"
#include "proto/codec.hpp"
#include "proto/envelope.hpp"
#include "proto/errc.hpp"
#include "proto/timestamp.hpp"

namespace sandbox {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostDecoded = std::size_t{200} << 20;
constexpr double kSentAtTolerance = 5000;

/// ".../api/{project}/{rest}" of a target without its query.
struct Path {
  std::string prefix;
  std::uint64_t project = 0;
  std::string rest;
  bool ok = false;
};

Path read_path(std::string_view path) {
  Path result;
  const std::size_t api = path.rfind("/api/");
  if (api == std::string_view::npos) return result;
  result.prefix = std::string(path.substr(0, api));
  std::string_view tail = path.substr(api + 5);
  const auto [end, failed] =
      std::from_chars(tail.data(), tail.data() + tail.size(), result.project);
  tail.remove_prefix(static_cast<std::size_t>(end - tail.data()));
  result.ok = failed == std::errc{} && tail.starts_with('/');
  result.rest = std::string(tail);
  return result;
}

json::value parse_or_null(std::string_view text) {
  boost::system::error_code failed;
  json::value value = json::parse(text, failed);
  return failed ? json::value() : value;
}

std::string text_at(const json::value& value, std::string_view key) {
  if (!value.is_object()) return {};
  const json::value* found = value.get_object().if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

void add_once(std::vector<std::string>& list, std::string text) {
  if (!text.empty() && std::ranges::find(list, text) == list.end()) list.push_back(std::move(text));
}

/// What tells one payload from another: its ids, and the words a test put into it.
void note_payload(std::string_view payload, Arrival& arrival) {
  const json::value value = parse_or_null(payload);
  for (const std::string_view key : {"event_id", "check_in_id", "sid", "replay_id"})
    add_once(arrival.ids, text_at(value, key));
  add_once(arrival.messages, text_at(value, "message"));
  if (!value.is_object()) return;
  if (const json::value* entry = value.get_object().if_contains("logentry"))
    add_once(arrival.messages, text_at(*entry, "message"));
  boost::system::error_code ignored;
  if (const json::value* list = value.find_pointer("/exception/values", ignored);
      list != nullptr && list->is_array())
    for (const json::value& entry : list->get_array())
      add_once(arrival.messages, text_at(entry, "value"));
  if (const json::value* list = value.get_object().if_contains("items");
      list != nullptr && list->is_array())
    for (const json::value& entry : list->get_array())
      add_once(arrival.messages, text_at(entry, "body"));
}

/// Relay reads only the first member of a gzip body.
bool has_second_gzip_member(std::string_view body) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return false;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  std::string sink(65536, '\0');
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(sink.data());
    stream.avail_out = static_cast<uInt>(sink.size());
    result = inflate(&stream, Z_NO_FLUSH);
  }
  const bool second = result == Z_STREAM_END && stream.avail_in > 0;
  inflateEnd(&stream);
  return second;
}

std::string detail(std::string_view text, std::string_view cause = {}) {
  json::object body;
  body["detail"] = text;
  if (!cause.empty()) body["causes"] = json::array{json::value(cause)};
  return json::serialize(body);
}

void refuse(Inspection& inspection, unsigned status, std::string_view text,
            std::string_view cause = {}) {
  inspection.status = status;
  inspection.body = detail(text, cause);
  std::string problem = std::to_string(status) + " " + std::string(text);
  if (!cause.empty()) problem += ": " + std::string(cause);
  inspection.summary.problems.push_back(std::move(problem));
}

/// The HTTP-level auth; sets the refusal when it is one Relay refuses.
std::optional<proto::Auth> read_auth(const Request& request, Inspection& inspection) {
  const std::size_t mark = request.target.find('?');
  const std::string_view query = mark == std::string::npos
                                     ? std::string_view()
                                     : std::string_view(request.target).substr(mark + 1);
  const auto auth =
      proto::find_auth({request.header("X-Sentry-Auth"), request.header("Authorization"), query});
  if (auth) return *auth;
  if (auth.error() == proto::Errc::auth_missing) return std::nullopt;
  const bool bad_key =
      auth.error() == proto::Errc::auth_key || auth.error() == proto::Errc::auth_version;
  refuse(inspection, bad_key ? 400 : 401, auth.error().message());
  return std::nullopt;
}

void check_sent_at(const json::value& header, std::vector<std::string>& problems) {
  const std::string text = text_at(header, "sent_at");
  if (text.empty()) {
    problems.emplace_back("no sent_at");
    return;
  }
  const auto time = proto::parse_rfc3339(text);
  if (!time) {
    problems.push_back("sent_at unreadable: " + text);
    return;
  }
  const std::chrono::duration<double, std::milli> sent = time->time_since_epoch();
  const double off = epoch_ms() - sent.count();
  if (std::abs(off) > kSentAtTolerance)
    problems.push_back("sent_at is " + std::to_string(static_cast<long>(off)) + " ms off");
}

void check_headers(const Request& request, std::vector<std::string>& problems) {
  const std::string_view type = request.header("Content-Type");
  if (type != "application/x-sentry-envelope")
    problems.push_back("content-type is '" + std::string(type) + "'");
  if (request.header("Host").empty()) problems.emplace_back("no Host");
  static constexpr std::string_view kNames[] = {"Cookie",           "X-Forwarded-For", "Forwarded",
                                                "X-Forwarded-Host", "Origin",          "Referer"};
  for (const std::string_view name : kNames)
    if (!request.header(name).empty())
      problems.push_back("header " + std::string(name) + " passed on");
}

/// Fills in the arrival from a parsed envelope; checks that its dsn speaks of the same key and
/// project.
void fill(const proto::Envelope& envelope, const std::optional<proto::Auth>& auth, const Path& path,
          Inspection& inspection) {
  Arrival& arrival = *inspection.arrival;
  const std::string_view all = envelope.bytes();
  const json::value header = parse_or_null(all.substr(0, all.find('\n')));
  arrival.event_id = envelope.event_id();
  arrival.bytes = all.size();
  add_once(arrival.ids, arrival.event_id);
  inspection.envelope = std::string(all);
  for (const proto::Item& item : envelope.items()) {
    arrival.items.push_back(item.type);
    arrival.item_bytes.push_back(item.end - item.payload_begin);
    const std::string_view payload = all.substr(item.payload_begin, item.end - item.payload_begin);
    note_payload(payload, arrival);
    if (item.type == "client_report") arrival.client_reports.push_back(parse_or_null(payload));
  }
  check_sent_at(header, arrival.problems);
  inspection.summary.event_id = arrival.event_id;
  inspection.body = arrival.event_id.empty() ? "{}" : R"({"id":")" + arrival.event_id + "\"}";
  const auto& dsn = envelope.dsn();
  static constexpr std::string_view kInvalid = "invalid event envelope";
  if (!auth && !dsn) {
    refuse(inspection, 401, "bad envelope authentication header", "missing field `dsn`");
  } else if (auth && dsn && dsn->public_key != auth->public_key) {
    refuse(inspection, 400, kInvalid, "public key header mismatch between envelope and request");
  } else if (auth && dsn && dsn->project_id != path.project) {
    refuse(inspection, 400, kInvalid, "project id header mismatch between envelope and request");
  } else if (const auto type = proto::exceeded_size_limit(envelope)) {
    refuse(inspection, 413, "envelope exceeded size limits for type '" + *type + "'");
  }
}

void read_envelope(const Request& request, const Path& path, Inspection& inspection) {
  const std::optional<proto::Auth> auth = read_auth(request, inspection);
  if (inspection.status != 200) return;
  Arrival& arrival = inspection.arrival.emplace();
  arrival.target = request.target;
  arrival.headers = request.headers;
  arrival.encoded_bytes = request.body.size();
  arrival.user_agent = std::string(request.header("User-Agent"));
  arrival.encoding = std::string(request.header("Content-Encoding"));
  if (auth) arrival.client = auth->client;
  if (!auth) arrival.problems.emplace_back("no auth outside the envelope");
  if (path.rest != "/envelope/") arrival.problems.push_back("path " + request.target);
  check_headers(request, arrival.problems);
  const auto encoding = proto::encoding_of_name(arrival.encoding);
  if (!encoding) return refuse(inspection, 415, "unknown Content-Encoding");
  if (*encoding == proto::Encoding::gzip && has_second_gzip_member(request.body))
    arrival.problems.emplace_back("gzip body with a second member, which upstream would lose");
  auto body = proto::decode(*encoding, proto::Bytes::copy_of(request.body), kMostDecoded);
  if (!body) return refuse(inspection, 400, body.error().message());
  auto envelope = proto::Envelope::parse(std::move(*body));
  if (!envelope)
    return refuse(inspection, 400, "invalid event envelope", envelope.error().message());
  fill(*envelope, auth, path, inspection);
}

}  // namespace

Inspection inspect(const Request& request) {
  Inspection inspection;
  inspection.summary.method = request.method;
  inspection.summary.target = request.target;
  inspection.summary.bytes = request.body.size();
  inspection.summary.content_type = std::string(request.header("Content-Type"));
  const Path path = read_path(request.target.substr(0, request.target.find('?')));
  inspection.is_envelope = path.ok && (path.rest == "/envelope/" || path.rest == "/envelope");
  if (!path.ok) {
    refuse(inspection, 404, "not found");
  } else if (!inspection.is_envelope) {
    inspection.body = "{}";
  } else if (request.method != "POST") {
    refuse(inspection, 405, "method not allowed");
  } else {
    read_envelope(request, path, inspection);
  }
  return inspection;
}

}  // namespace sandbox
