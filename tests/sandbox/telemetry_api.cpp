#include "tests/sandbox/telemetry_api.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_from.hpp>

#include "proto/timestamp.hpp"
#include "tests/sandbox/task_group.hpp"

namespace sandbox {
namespace {

namespace json = boost::json;

struct Reading {
  Subscription subscription;
  std::string problem;
};

bool in_range(const json::object& object, std::string_view key, std::int64_t low, std::int64_t high,
              std::int64_t& value) {
  const json::value* found = object.if_contains(key);
  if (found == nullptr) return true;
  if (!found->is_int64()) return false;
  value = found->get_int64();
  return value >= low && value <= high;
}

std::string read_buffering(const json::object& body, Subscription& subscription) {
  const json::value* found = body.if_contains("buffering");
  if (found == nullptr || found->is_null()) return {};
  if (!found->is_object()) return "buffering";
  const json::object& buffering = found->get_object();
  std::int64_t items = 10000, bytes = 262144, timeout = 1000;
  if (!in_range(buffering, "maxItems", 1000, 10000, items)) return "buffering.maxItems";
  if (!in_range(buffering, "maxBytes", 262144, 1048576, bytes)) return "buffering.maxBytes";
  if (!in_range(buffering, "timeoutMs", 25, 30000, timeout)) return "buffering.timeoutMs";
  subscription.most_items = static_cast<std::size_t>(items);
  subscription.buffering = std::chrono::milliseconds(timeout);
  return {};
}

/// A non-empty subset of what there is.
std::string read_types(const json::object& body, Subscription& subscription) {
  const json::value* found = body.if_contains("types");
  if (found == nullptr || !found->is_array() || found->get_array().empty()) return "types";
  for (const json::value& type : found->get_array()) {
    if (type != "platform" && type != "function" && type != "extension") return "types";
    subscription.types.emplace(type.get_string());
  }
  return {};
}

/// http://sandbox.localdomain:PORT[/path]; the short name works too. TCP is not to be had here.
std::string read_destination(const json::object& body, Subscription& subscription) {
  const json::value* found = body.if_contains("destination");
  if (found == nullptr || !found->is_object()) return "destination";
  const json::value* protocol = found->get_object().if_contains("protocol");
  if (protocol == nullptr || *protocol != "HTTP") return "destination.protocol";
  const json::value* uri = found->get_object().if_contains("URI");
  if (uri == nullptr || !uri->is_string()) return "destination.URI";
  std::string_view text = uri->get_string();
  for (const std::string_view start : {"http://sandbox.localdomain:", "http://sandbox:"}) {
    if (!text.starts_with(start)) continue;
    text.remove_prefix(start.size());
    const auto [end, failed] =
        std::from_chars(text.data(), text.data() + text.size(), subscription.port);
    if (failed != std::errc{} || subscription.port == 0) return "destination.URI";
    const std::string path(end, text.data() + text.size());
    if (!path.empty() && path.front() != '/') break;
    if (!path.empty()) subscription.path = path;
    return {};
  }
  return "destination.URI";
}

bool is_known_schema(const json::value* schema, const TelemetryOptions& options) {
  if (schema == nullptr || !schema->is_string()) return false;
  const std::string_view version = schema->get_string();
  if (version > options.newest_schema) return false;
  return version == "2025-01-29" ||
         (!options.newest_schema_only && (version == "2022-07-01" || version == "2022-12-13"));
}

Reading read_subscription(const std::string& text, const TelemetryOptions& options) {
  Reading reading;
  boost::system::error_code failed;
  const json::value document = json::parse(text, failed);
  if (failed || !document.is_object()) return {{}, "body is not a JSON object"};
  const json::object& body = document.get_object();
  if (!is_known_schema(body.if_contains("schemaVersion"), options)) return {{}, "schemaVersion"};
  reading.problem = read_types(body, reading.subscription);
  if (reading.problem.empty()) reading.problem = read_buffering(body, reading.subscription);
  if (reading.problem.empty()) reading.problem = read_destination(body, reading.subscription);
  return reading;
}

}  // namespace

struct TelemetryApi::Running {
  Running(asio::io_context& io, Frost& frost, Subscription subscription,
          const TelemetryOptions& options)
      : types(subscription.types),
        feed(io, frost, std::move(subscription), options.faults),
        task(io.get_executor(), [](std::exception_ptr) {}) {}

  std::set<std::string, std::less<>> types;
  TelemetryFeed feed;
  TaskGroup task;
};

TelemetryApi::TelemetryApi(asio::io_context& io, Frost& frost, Recorder& recorder,
                           ExtensionsApi& extensions, TelemetryOptions options)
    : io_(io),
      frost_(frost),
      recorder_(recorder),
      extensions_(extensions),
      options_(std::move(options)),
      flushed_(io) {}

TelemetryApi::~TelemetryApi() = default;

void TelemetryApi::open() {
  stop();
  history_.clear();
  open_ = true;
}

void TelemetryApi::stop() {
  open_ = false;
  std::erase_if(ending_, [](const auto& running) { return running->task.size() == 0; });
  for (auto& running : feeds_) {
    running->task.stop();
    ending_.push_back(std::move(running));
  }
  feeds_.clear();
}

asio::awaitable<void> TelemetryApi::join() {
  for (auto& running : ending_) co_await running->task.join();
}

asio::awaitable<void> TelemetryApi::flush(SteadyTime deadline) {
  flushing_ = feeds_.size();
  for (auto& running : feeds_) running->task.spawn(flush_feed(*running));
  co_await flushed_.until([this] { return flushing_ == 0; }, deadline);
}

asio::awaitable<void> TelemetryApi::flush_feed(Running& running) {
  co_await running.feed.flush();
  --flushing_;
  flushed_.notify();
}

Response TelemetryApi::subscribe(const Request& request) {
  if (request.method != "PUT") return method_not_allowed("PUT");
  if (options_.mode == TelemetryMode::unsupported)
    return json_response(202, R"({"errorMessage":"Telemetry API is not supported",)"
                              R"("errorType":"Telemetry.NotSupported"})");
  Agent* agent = nullptr;
  if (auto refused = extensions_.identify(request, agent)) return std::move(*refused);
  if (!open_ || options_.mode == TelemetryMode::refused)
    return platform_error(403, "Telemetry.SubscriptionClosed",
                          "Telemetry API subscription is closed already");
  Reading reading = read_subscription(request.body, options_);
  if (!reading.problem.empty())
    return platform_error(400, "ValidationError", "Invalid " + reading.problem);
  recorder_.event("telemetry subscription of " + agent->name);
  reading.subscription.subscriber = agent->name;
  if (options_.mode == TelemetryMode::on) add_feed(std::move(reading.subscription));
  return json_response(200, "\"OK\"");
}

void TelemetryApi::add_feed(Subscription subscription) {
  boost::json::object record;
  record["name"] = subscription.subscriber;
  record["state"] = "Subscribed";
  record["types"] = boost::json::value_from(subscription.types);
  auto& running = feeds_.emplace_back(
      std::make_unique<Running>(io_, frost_, std::move(subscription), options_));
  for (const auto& event : history_) {
    if (running->types.contains(event.source)) running->feed.add(event.json);
  }
  running->task.spawn(running->feed.run());
  publish("platform.telemetrySubscription", std::move(record));
}

void TelemetryApi::publish(std::string_view type, boost::json::object record) {
  hand_over(type, std::move(record));
  if (options_.forged && type == "platform.start") forge();
}

void TelemetryApi::function_line(std::string_view line) {
  boost::system::error_code failed;
  json::value record = json::parse(line, failed);
  if (failed || !record.is_object()) record = line;
  hand_over("function", std::move(record));
}

/// Any process of the environment can post to a subscriber's port.
void TelemetryApi::forge() {
  boost::json::object record;
  record["requestId"] = new_uuid();
  record["status"] = "success";
  record["metrics"] = boost::json::object{{"durationMs", 1.0}};
  hand_over("platform.runtimeDone", record);
  hand_over("platform.report", std::move(record));
}

void TelemetryApi::hand_over(std::string_view type, boost::json::value record) {
  const auto is_type = [&](const auto& name) { return type == "platform." + name; };
  if (std::ranges::any_of(options_.lost, is_type)) return;
  std::string time = proto::to_rfc3339(std::chrono::system_clock::now());
  if (time.size() > 23)
    time.replace(23, std::string::npos, "Z");  // milliseconds, as the platform writes
  boost::json::object event;
  event["time"] = time;
  event["type"] = type;
  event["record"] = std::move(record);
  std::string text = boost::json::serialize(event);
  const std::string source(type.substr(0, type.find('.')));
  for (auto& running : feeds_) {
    if (running->types.contains(source)) running->feed.add(text);
  }
  if (open_) history_.push_back({source, std::move(text)});
}

}  // namespace sandbox
