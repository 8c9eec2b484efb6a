#include "proto/failure_event.hpp"

#include <cstdio>
#include <limits>

#include "proto/ascii.hpp"
#include "proto/cloudwatch_url.hpp"
#include "proto/envelope.hpp"
#include "proto/event_text.hpp"
#include "proto/json_object.hpp"

namespace proto {
namespace {

// Ours: longer than an ARN with an alias can be, and a context of such texts stays below its 8 KiB.
constexpr std::size_t kMaxText = 512;

// So much before INVOKE the function's log is looked for: the platform writes its first line before
// we hear of the invoke.
constexpr std::chrono::minutes kLogsBefore{1};

constexpr std::string_view kSdk = R"({"name":"thaw","version":")" THAW_VERSION R"("})";

/// As tag `lambda.failure` and in the fingerprint.
std::string_view word(FailureKind kind) {
  switch (kind) {
    case FailureKind::timeout:
      return "timeout";
    case FailureKind::out_of_memory:
      return "out_of_memory";
    case FailureKind::runtime_exit:
      return "runtime_exit";
    case FailureKind::init_error:
      return "init_error";
    case FailureKind::response_too_large:
      return "response_too_large";
    case FailureKind::failure:
      return "failure";
  }
  return "";
}

std::string hex(std::uint64_t bits) {
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, bits >>= 4U) {
    *digit = "0123456789abcdef"[bits & 15U];
  }
  return text;
}

/// A random UUID, version 4 (RFC 9562, 5.4).
std::string event_id(const EventBits& random) {
  return hex((random[0] & ~0xF000ULL) | 0x4000ULL) +
         hex((random[1] & ~(3ULL << 62U)) | (2ULL << 62U));
}

std::string_view first_known(std::string_view first, std::string_view second) {
  return first.empty() ? second : first;
}

/// Of "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1" what X-Ray's console searches for.
std::string_view xray_root(std::string_view header) {
  constexpr std::string_view kRoot = "Root=";
  const std::size_t at = header.find(kRoot);
  if (at == std::string_view::npos) return {};
  const std::string_view root = header.substr(at + kRoot.size());
  return root.substr(0, root.find(';'));
}

std::string with_error_type(std::string text, const FailureFacts& facts) {
  if (!facts.error_type.empty()) text.append(": ").append(clipped(facts.error_type, kMaxNameBytes));
  return text;
}

/// In the platform's own words where it has some.
std::string value_of(const FailureFacts& facts) {
  switch (facts.kind) {
    case FailureKind::timeout:
      if (!facts.timeout) return "Task timed out";
      return "Task timed out after " + std::to_string(facts.timeout->count()) + ".00 seconds";
    case FailureKind::out_of_memory:
      if (!facts.function.memory_mb) return "Function ran out of memory";
      return "Function ran out of its " + std::to_string(*facts.function.memory_mb) + " MB memory";
    case FailureKind::runtime_exit:
      return with_error_type("Runtime exited or was killed", facts);
    case FailureKind::init_error:
      return with_error_type("Initialization failed", facts);
    case FailureKind::response_too_large:
      return "Response is larger than Lambda delivers";
    case FailureKind::failure:
      if (facts.error_type.starts_with("Extension.")) {
        return with_error_type("An extension failed", facts);
      }
      return with_error_type("Invocation failed", facts);
  }
  return "";
}

std::string exception(const FailureFacts& facts) {
  JsonObject data;
  data.text("shutdown_reason", clipped(facts.shutdown_reason, kMaxNameBytes));
  data.text("error_type", clipped(facts.error_type, kMaxNameBytes));
  JsonObject mechanism;
  mechanism.text("type", "auto.function.aws_lambda.extension").boolean("handled", false);
  mechanism.value("data", data.json());
  JsonObject value;
  value.text("type", exception_type(facts.kind)).text("value", value_of(facts));
  value.value("mechanism", mechanism.json());
  return R"({"values":[)" + value.json() + "]}";
}

/// Where one kind has many causes they are told apart.
std::string fingerprint(const FailureFacts& facts) {
  std::string list = R"(["aws-lambda",)" + json_quote(word(facts.kind)) + "," +
                     json_quote(clipped(facts.function.name, kMaxNameBytes));
  const bool many = facts.kind == FailureKind::init_error || facts.kind == FailureKind::failure;
  if (many && !facts.error_type.empty()) {
    list += "," + json_quote(clipped(facts.error_type, kMaxNameBytes));
  }
  return list + "]";
}

std::string tags(const FailureFacts& facts) {
  JsonObject tags;
  tags.text("aws_region", tag_text(facts.function.region)).text("lambda.failure", word(facts.kind));
  tags.text("aws_request_id", tag_text(facts.request_id));
  tags.text("aws.xray.trace", tag_text(xray_root(facts.xray_trace)));
  if (facts.cold) tags.text("cold_start", *facts.cold ? "true" : "false");
  return tags.json();
}

std::string trace_context(const FailureFacts& facts, std::uint64_t span) {
  const auto trace_id = normalize_event_id(facts.trace.trace_id);
  if (!trace_id) return {};
  JsonObject trace;
  trace.text("trace_id", std::string_view(trace_id->data(), trace_id->size()))
      .text("span_id", hex(span))
      .text("op", "function.aws");
  return trace.json();
}

std::string cloud_context(const FunctionFacts& function) {
  JsonObject cloud;
  cloud.text("type", "cloud_resource").text("cloud.provider", "aws");
  cloud.text("cloud.platform", "aws_lambda");
  cloud.text("cloud.region", clipped(function.region, kMaxText));
  cloud.text("cloud.account.id", clipped(function.account_id, kMaxText));
  return cloud.json();
}

// As many digits as survive a double. std::to_chars knows when fewer do, by 90 KB of tables.
std::string decimal(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*g", std::numeric_limits<double>::digits10, number);
  return text.data();
}

std::string lambda_context(const FailureFacts& facts) {
  const FunctionFacts& function = facts.function;
  JsonObject lambda;
  lambda.text("function_name", clipped(function.name, kMaxText));
  lambda.text("function_version", clipped(function.version, kMaxText));
  lambda.text("invoked_function_arn", clipped(facts.function_arn, kMaxText));
  lambda.text("aws_request_id", clipped(facts.request_id, kMaxText));
  if (facts.duration_ms) {
    lambda.value("execution_duration_in_millis", decimal(*facts.duration_ms));
  }
  if (facts.timeout) lambda.number("timeout_in_seconds", std::optional{facts.timeout->count()});
  lambda.number("memory_size_mb", function.memory_mb);
  lambda.number("max_memory_used_mb", facts.max_memory_mb);
  lambda.text("initialization_type", clipped(function.initialization_type, kMaxText));
  lambda.text("init_phase", clipped(facts.phase, kMaxText));
  return lambda.json();
}

std::string logs_context(const FailureFacts& facts) {
  const std::string_view name = clipped(facts.function.name, kMaxText);
  if (name.empty()) return {};
  const std::string group = "/aws/lambda/" + std::string(name);
  JsonObject logs;
  logs.text("log_group", group);
  if (!facts.function.region.empty()) {
    const LogSearch search{clipped(facts.function.region, kMaxText), group,
                           clipped(facts.request_id, kMaxText),
                           facts.begun.value_or(facts.at) - kLogsBefore};
    logs.text("url", cloudwatch_url(search));
  }
  return logs.json();
}

std::string contexts(const FailureFacts& facts, std::uint64_t span) {
  JsonObject contexts;
  contexts.value("trace", trace_context(facts, span));
  contexts.value("cloud_resource", cloud_context(facts.function));
  contexts.value("aws.lambda", lambda_context(facts));
  contexts.value("aws.cloudwatch.logs", logs_context(facts));
  return contexts.json();
}

/// Sentry's word for the level of a log line; "" for one it has none for.
std::string_view breadcrumb_level(std::string_view level) {
  struct Word {
    std::string_view logged, sentry;
  };

  static constexpr std::array<Word, 9> kWords{{{"trace", "debug"},
                                               {"debug", "debug"},
                                               {"info", "info"},
                                               {"warn", "warning"},
                                               {"warning", "warning"},
                                               {"error", "error"},
                                               {"critical", "fatal"},
                                               {"fatal", "fatal"},
                                               {"panic", "fatal"}}};
  for (const auto& word : kWords) {
    if (equal_ignoring_case(level, word.logged)) return word.sentry;
  }
  return {};
}

std::string breadcrumbs(const std::vector<LogLine>& log) {
  std::string values;
  for (const LogLine& line : log) {
    JsonObject breadcrumb;
    breadcrumb.text("type", "default").text("category", "console");
    if (line.at && *line.at >= kOldestSane) breadcrumb.text("timestamp", to_rfc3339(*line.at));
    breadcrumb.text("level", breadcrumb_level(line.level)).text("message", line.text);
    values.append(values.empty() ? "" : ",").append(breadcrumb.json());
  }
  return values.empty() ? "" : R"({"values":[)" + values + "]}";
}

std::string event(const FailureFacts& facts, std::string_view id, std::uint64_t span) {
  const FunctionFacts& function = facts.function;
  const std::string_view name = clipped(function.name, kMaxNameBytes);
  JsonObject event;
  event.text("event_id", id);
  if (facts.at >= kOldestSane) event.text("timestamp", to_rfc3339(facts.at));
  event.text("platform", first_known(clipped(facts.trace.platform, kMaxNameBytes), "other"));
  event.text("level", "fatal").text("logger", "thaw");
  event.text("transaction", name).text("server_name", name);
  event.text("release",
             first_known(valid_release(function.release), valid_release(facts.trace.release)));
  event.text("environment", first_known(valid_environment(function.environment),
                                        valid_environment(facts.trace.environment)));
  event.value("sdk", kSdk).value("exception", exception(facts));
  event.value("fingerprint", fingerprint(facts)).value("tags", tags(facts));
  event.value("contexts", contexts(facts, span)).value("breadcrumbs", breadcrumbs(facts.log));
  return event.json();
}

}  // namespace

std::string_view exception_type(FailureKind kind) {
  switch (kind) {
    case FailureKind::timeout:
      return "Lambda.Timeout";
    case FailureKind::out_of_memory:
      return "Lambda.OutOfMemory";
    case FailureKind::runtime_exit:
      return "Lambda.RuntimeExit";
    case FailureKind::init_error:
      return "Lambda.InitError";
    case FailureKind::response_too_large:
      return "Lambda.ResponseTooLarge";
    case FailureKind::failure:
      return "Lambda.Failure";
  }
  return "";
}

std::string encode_failure(const FailureFacts& facts, const EventBits& random) {
  const std::string id = event_id(random);
  const std::string payload = event(facts, id, random[2]);
  JsonObject header;
  header.text("event_id", id).value("sdk", kSdk);
  return header.json() + "\n" + R"({"type":"event","length":)" + std::to_string(payload.size()) +
         "}\n" + payload + "\n";
}

}  // namespace proto
