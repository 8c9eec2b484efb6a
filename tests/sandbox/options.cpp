#include "tests/sandbox/options.hpp"

#include <charconv>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "tests/sandbox/failure_options.hpp"
#include "tests/sandbox/world_options.hpp"

namespace sandbox {
namespace {

constexpr int kUsage = 2;

/// Options as they are written, before they mean anything.
struct Raw {
  std::string script = "invoke*3 spindown";
  std::string event = "{}";
  std::string event_file;
  std::string upstream = "capture";
  std::string freeze = "cut";
  std::string telemetry = "on";
  std::string pipes = "read";
  std::string register_answer, next_answer;
  std::vector<std::string> faults;
  unsigned gap_ms = 100, cut_after_ms = 0, telemetry_delay_ms = 0;
  double latency_ms = 0;
  std::string isolation = "auto";
  std::string tmp = "rw";
  std::optional<unsigned> descriptors;
  std::optional<unsigned> user;
};

/// What functions on the platform see as their own: uid=993(sbx_user1051) gid=990.
constexpr Identity kPlatformUser{993, 990};

void add_list(CLI::App& app, const std::string& name, std::vector<std::string>& list,
              const std::string& help) {
  app.add_option(name, list, help)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void declare_environment(CLI::App& app, Raw& raw, Options& options) {
  add_list(app, "--extension", options.extensions, "External extension to start; repeatable");
  add_list(app, "--env", options.env,
           "K=V for function and extensions; {upstream} {upstream_port} {port} {tmp} {ca} are "
           "filled in");
  add_list(app, "--function-env", options.function_env, "K=V for the function only");
  add_list(app, "--extension-env", options.extension_env, "K=V for the extensions only");
  app.add_option("--script", raw.script,
                 "Steps: init invoke[*N] burst*N freeze:MS thaw:MS rest:MS restore[:MS] kill "
                 "spindown drop-next")
      ->capture_default_str();
  app.add_option("--event", raw.event, "Event of every invoke")->capture_default_str();
  app.add_option("--event-file", raw.event_file, "One JSON event per line, used in turn");
  app.add_option("--timeout-ms", options.facts.timeout_ms, "Function timeout")
      ->capture_default_str();
  app.add_option("--memory-mb", options.facts.memory_mb, "Only told; --memory-limit-mib enforces")
      ->capture_default_str();
  app.add_option("--gap-ms", raw.gap_ms, "Frozen time between invokes; 0: no freeze between them")
      ->capture_default_str();
  app.add_option("--nofile", raw.descriptors,
                 "RLIMIT_NOFILE of the children; 1024, on Managed Instances 4096");
}

void declare_isolation(CLI::App& app, Raw& raw, Options& options) {
  app.add_option("--isolation", raw.isolation,
                 "off; auto: an unprivileged user, a read-only root and a /tmp of its own, as far "
                 "as this machine allows; require: all of that or no run")
      ->check(CLI::IsMember({"off", "auto", "require"}))
      ->capture_default_str();
  app.add_option("--user", raw.user, "uid and gid of the children instead of 993 and 990");
  app.add_option("--tmp-mib", options.isolation.tmp_mib, "Size of the children's /tmp")
      ->check(CLI::Range(1U, 10240U))
      ->capture_default_str();
  app.add_option("--tmp", raw.tmp, "The children's /tmp is rw or ro")
      ->check(CLI::IsMember({"rw", "ro"}))
      ->capture_default_str();
  add_list(app, "--show", options.isolation.shown,
           "Path under /tmp that the children shall find in theirs, read-only");
  app.add_option("--cpu", options.isolation.cores,
                 "Processors' worth of time for function and extensions together, such as 0.07")
      ->check(CLI::Range(kLeastCores, 64.0));
}

void declare_platform(CLI::App& app, Raw& raw, Options& options) {
  app.add_option("--telemetry", raw.telemetry,
                 "on, off (accepted, nothing delivered), 202 (not supported), 403")
      ->check(CLI::IsMember({"on", "off", "202", "403"}))
      ->capture_default_str();
  app.add_option("--telemetry-delay-ms", raw.telemetry_delay_ms,
                 "On top of the subscriber's timeoutMs");
  app.add_option("--telemetry-repeat", options.telemetry.faults.repeat,
                 "Deliver each batch so often")
      ->capture_default_str();
  app.add_option("--stdout", raw.pipes,
                 "After init the platform reads the output pipes, stops, or closes them")
      ->check(CLI::IsMember({"read", "stop", "close"}))
      ->capture_default_str();
  app.add_option("--register-answer", raw.register_answer,
                 "403[:N] or 500[:N]: answer N registrations so");
  app.add_option("--next-answer", raw.next_answer, "The same for /event/next");
  app.add_option("--report", options.report,
                 "Write the report as JSON to this file; - is standard output");
  app.add_option("--bodies", options.bodies,
                 "Keep accepted envelopes, decoded, as files in this directory");
  app.add_option("--log", options.log, "Write everything that happens to this file, with times");
}

void declare_upstream(CLI::App& app, Raw& raw, Options& options) {
  app.add_option("--upstream", raw.upstream, "capture or none")
      ->check(CLI::IsMember({"capture", "none"}))
      ->capture_default_str();
  app.add_flag("--tls", options.tls, "The capture speaks TLS; {ca} is the file to trust");
  app.add_flag("!--tls-no-resumption", options.tls_resumes,
               "It gives no session tickets: every handshake is a full one");
  app.add_option("--freeze", raw.freeze, "What a freeze does to upstream connections: live or cut")
      ->check(CLI::IsMember({"live", "cut"}))
      ->capture_default_str();
  app.add_option("--cut-after-ms", raw.cut_after_ms, "Cut so long into the freeze")
      ->capture_default_str();
  app.add_option("--upstream-latency-ms", raw.latency_ms, "Round trip time")->capture_default_str();
  add_list(app, "--upstream-fault", raw.faults,
           "status:503*10, header:N=V, reset[-before|-within|-after][:everyK], hang, slow:MS, "
           "refuse[:untilN]");
}

bool read_forced(const std::string& text, ForcedAnswer& answer) {
  if (text.empty()) return true;
  const std::size_t colon = text.find(':');
  const std::string status = text.substr(0, colon);
  if (status != "403" && status != "500") return false;
  answer.status = status == "403" ? 403 : 500;
  answer.left = std::numeric_limits<unsigned>::max();
  if (colon == std::string::npos) return true;
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + colon + 1, end, answer.left);
  return result.ec == std::errc{} && result.ptr == end;
}

bool read_events(const Raw& raw, Options& options) {
  if (raw.event_file.empty()) {
    options.events.push_back(raw.event);
    return true;
  }
  std::ifstream file(raw.event_file);
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) options.events.push_back(line);
  return !options.events.empty();
}

void interpret_isolation(const Raw& raw, IsolationOptions& isolation) {
  static const std::map<std::string, IsolationMode> modes{{"off", IsolationMode::off},
                                                          {"auto", IsolationMode::attempt},
                                                          {"require", IsolationMode::require}};
  isolation.mode = modes.at(raw.isolation);
  isolation.tmp_read_only = raw.tmp == "ro";
  if (raw.user && ::geteuid() != 0)
    std::cerr << "thaw-sandbox: --user needs root; the children run as you\n";
  if (::geteuid() != 0) return;
  if (raw.user) {
    isolation.user = Identity{*raw.user, *raw.user};
  } else if (isolation.mode != IsolationMode::off) {
    isolation.user = kPlatformUser;
  }
}

/// What is wrong with the values; "" if nothing is.
std::string interpret(const Raw& raw, Options& options) {
  auto script = parse_script(raw.script);
  if (!script) return "--script: " + raw.script;
  options.script = std::move(*script);
  if (!fits(options.script, options.facts.world))
    return "--script: not in this world: " + raw.script;
  options.descriptors = raw.descriptors.value_or(options.facts.managed() ? 4096 : 1024);
  for (const auto& fault : raw.faults)
    if (!options.faults.add(fault)) return "--upstream-fault: " + fault;
  if (!read_forced(raw.register_answer, options.register_answer)) return "--register-answer";
  if (!read_forced(raw.next_answer, options.next_answer)) return "--next-answer";
  if (!read_events(raw, options)) return "--event-file: nothing in " + raw.event_file;
  for (const auto* list : {&options.env, &options.function_env, &options.extension_env})
    for (const auto& entry : *list)
      if (entry.find('=') == std::string::npos || entry[0] == '=') return "not K=V: " + entry;
  static const std::map<std::string, TelemetryMode> modes{{"on", TelemetryMode::on},
                                                          {"off", TelemetryMode::off},
                                                          {"202", TelemetryMode::unsupported},
                                                          {"403", TelemetryMode::refused}};
  static const std::map<std::string, PipePolicy> pipes{
      {"read", PipePolicy::read}, {"stop", PipePolicy::stop}, {"close", PipePolicy::close}};
  options.telemetry.mode = modes.at(raw.telemetry);
  options.telemetry.faults.delay = std::chrono::milliseconds(raw.telemetry_delay_ms);
  options.telemetry.newest_schema_only = options.facts.managed();
  options.pipes = pipes.at(raw.pipes);
  options.capture = raw.upstream == "capture";
  options.gap = std::chrono::milliseconds(raw.gap_ms);
  options.road.cut = raw.freeze == "cut";
  options.road.cut_after = std::chrono::milliseconds(raw.cut_after_ms);
  options.road.round_trip = std::chrono::microseconds(static_cast<long>(raw.latency_ms * 1000));
  interpret_isolation(raw, options.isolation);
  return {};
}

}  // namespace

OptionsReading read_options(int argc, char** argv) {
  CLI::App app("A Lambda execution environment on loopback that really freezes.", "thaw-sandbox");
  Raw raw;
  Options options;
  declare_environment(app, raw, options);
  declare_world(app, options.facts);
  declare_isolation(app, raw, options);
  declare_platform(app, raw, options);
  declare_upstream(app, raw, options);
  declare_failures(app, options);
  app.add_option("function", options.function, "-- FUNCTION [ARGS...]")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, app.exit(error) == 0 ? 0 : kUsage};
  }
  const std::string wrong = interpret(raw, options);
  if (!wrong.empty()) {
    std::cerr << "thaw-sandbox: " << wrong << '\n';
    return {std::nullopt, kUsage};
  }
  return {std::move(options), 0};
}

}  // namespace sandbox
