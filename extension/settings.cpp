#include "extension/settings.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "extension/settings_rows.hpp"
#include "proto/ascii.hpp"
#include "proto/lambda_events.hpp"
#include "proto/number.hpp"

namespace extension {
namespace {

void take(const SettingRow& row, std::string_view value, SettingsReading& reading) {
  const auto& info = row.info;
  const auto complain = [&](const std::string& wanted) {
    reading.complaints.push_back({std::string(info.name), quoted(value) + " is not " + wanted,
                                  "using " + std::string(info.fallback)});
  };
  if (row.number != nullptr) {
    const auto number = proto::parse_number<std::int64_t>(value);
    if (number && *number >= info.min && *number <= info.max) {
      row.number(reading.settings, *number);
    } else {
      complain("a whole number from " + std::to_string(info.min) + " to " +
               std::to_string(info.max));
    }
  } else if (row.choice != nullptr) {
    if (!row.choice(reading.settings, value)) complain("one of " + std::string(info.words));
  } else {
    row.text(reading.settings, value, reading.complaints);
  }
}

constexpr std::uint16_t kSentryPort = 9000;

void leave_port_to_sentry(SettingsReading& reading) {
  auto& port = reading.settings.relay.listener.port;
  if (port != kSentryPort) return;
  port = relay::ListenerSettings{}.port;
  reading.complaints.push_back({"THAW_PORT",
                                "9000 belongs to Sentry's own extension, which is installed, too, "
                                "and would end the function if it found it taken",
                                "using " + std::to_string(port)});
}

// 2 % of the function's memory for envelopes, 2 to 16 MiB.
void fit_memory(Settings& settings, std::size_t function_mib) {
  settings.relay.backlog.max_bytes =
      std::clamp(function_mib * relay::kMiB / 50, 2 * relay::kMiB, 16 * relay::kMiB);
}

bool is_taken(const SettingsReading& reading, std::string_view name) {
  return std::ranges::any_of(reading.in_effect, [name](const auto& setting) {
    return setting.name == name && !setting.is_default;
  });
}

// No body above an eighth of the function's memory; and where nobody asked for that, none above a
// 32nd: a body is there twice while it passes, as it came and decoded, or decoded and compressed.
void fit_bodies(SettingsReading& reading, std::size_t function_mib, bool explicitly) {
  const std::size_t part = explicitly ? 8 : 32;
  const std::size_t limit = std::max<std::size_t>(function_mib / part, 1) * relay::kMiB;
  auto& wire = reading.settings.relay.listener.max_body_bytes;
  auto& decoded = reading.settings.relay.intake.max_decoded_bytes;
  if (explicitly && wire > limit) {
    reading.complaints.push_back(
        {"THAW_MAX_BODY_MIB",
         "is more than 1/8 of the function's " + std::to_string(function_mib) + " MB",
         "using " + std::to_string(limit / relay::kMiB)});
  }
  wire = std::min(wire, limit);
  decoded = std::min(decoded, limit);
}

// As people may see it.
std::string shown(std::string_view name, std::string_view value) {
  if (name.ends_with("_DSN")) return public_dsns(value);
  if (name.ends_with("_PROXY")) value = value.substr(value.rfind('@') + 1);
  return std::string(value);
}

proto::FunctionFacts read_function(const Environment& environment) {
  proto::FunctionFacts facts;
  facts.name = value_of(environment, "AWS_LAMBDA_FUNCTION_NAME");
  facts.version = value_of(environment, "AWS_LAMBDA_FUNCTION_VERSION");
  facts.region = value_of(environment, "AWS_REGION");
  facts.initialization_type = value_of(environment, "AWS_LAMBDA_INITIALIZATION_TYPE");
  facts.release = value_of(environment, "SENTRY_RELEASE");
  facts.environment = value_of(environment, "SENTRY_ENVIRONMENT");
  return facts;
}

/// The function's memory in MiB; 0: nobody says.
std::size_t function_memory(const Environment& environment) {
  const auto told =
      proto::parse_number<std::int64_t>(value_of(environment, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"));
  return told && *told > 0 ? static_cast<std::size_t>(*told) : 0;
}

}  // namespace

std::string quoted(std::string_view value) {
  constexpr std::size_t kEnough = 40;
  std::string out = "\"" + std::string(value.substr(0, kEnough));
  std::replace_if(out.begin(), out.end(), [](unsigned char c) { return c < 0x20; }, '?');
  return out + (value.size() > kEnough ? "…\"" : "\"");
}

std::string_view value_of(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  if (found == environment.end()) return {};
  return proto::trimmed(found->second, " \t\r\n");
}

Environment to_environment(const char* const* variables) {
  Environment environment;
  for (; *variables != nullptr; ++variables) {
    const std::string_view text = *variables;
    const auto name = text.substr(0, text.find('='));
    if (name.size() < text.size()) environment.emplace(name, text.substr(name.size() + 1));
  }
  return environment;
}

std::string to_string(const Complaint& complaint) {
  return complaint.variable + ": " + complaint.problem + "; " + complaint.instead;
}

SettingsReading read_settings(const Environment& environment, bool beside_sentry) {
  SettingsReading reading;
  auto& settings = reading.settings;
  const auto function_mib = function_memory(environment);
  if (function_mib > 0) fit_memory(settings, function_mib);

  for (const auto& row : setting_rows()) {
    const auto value = value_of(environment, row.info.name);
    const std::size_t complaints = reading.complaints.size();
    if (!value.empty()) take(row, value, reading);
    // At once: the DSNs that follow are compared with the port.
    if (beside_sentry) leave_port_to_sentry(reading);
    const bool taken = !value.empty() &&
                       (reading.complaints.size() == complaints || row.info.name.ends_with("_DSN"));
    reading.in_effect.push_back(
        {std::string(row.info.name),
         taken ? shown(row.info.name, value) : std::string(row.info.fallback), !taken});
  }
  if (function_mib > 0) {
    fit_bodies(reading, function_mib, is_taken(reading, "THAW_MAX_BODY_MIB"));
  }
  // THAW_MEMORY_MIB bounds bodies in each of the places where they are: coming, waiting, leaving.
  settings.relay.listener.max_receiving_bytes = settings.relay.backlog.max_bytes;
  settings.relay.delivery.max_bytes = settings.relay.backlog.max_bytes;
  if (settings.relay.intake.disabled) settings.journal = false;
  settings.upstream.ssl_cert_file = value_of(environment, "SSL_CERT_FILE");
  take_proxies(settings, environment, reading.complaints);
  settings.runtime_api = value_of(environment, "AWS_LAMBDA_RUNTIME_API");
  settings.function = read_function(environment);
  if (function_mib > 0) settings.function.memory_mb = function_mib;
  settings.upstream.idle = std::max(settings.upstream.idle, settings.relay.delivery.connections);
  const auto format = value_of(environment, "AWS_LAMBDA_LOG_FORMAT");
  settings.log.json = proto::equal_ignoring_case(format, "json");
  return reading;
}

std::vector<SettingInfo> settings_table() {
  std::vector<SettingInfo> table;
  for (const auto& row : setting_rows()) table.push_back(row.info);
  return table;
}

}  // namespace extension
