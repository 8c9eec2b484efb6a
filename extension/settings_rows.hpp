// The settings table: each variable once, with its limits, its meaning, and where its value goes.
// The README's is made of it: `///` above a row is what the README says beyond --help.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "extension/settings.hpp"

namespace extension {

/// A variable and what takes its value; exactly one of the three functions is set.
struct SettingRow {
  SettingInfo info;
  void (*number)(Settings& settings, std::int64_t value) = nullptr;
  /// False: not one of the words.
  bool (*choice)(Settings& settings, std::string_view value) = nullptr;
  void (*text)(Settings& settings, std::string_view value,
               std::vector<Complaint>& complaints) = nullptr;
};

/// Without blanks around it; "" if it is not set.
[[nodiscard]] std::string_view value_of(const Environment& environment, std::string_view name);

/// In the order they are read: a later one may look at what an earlier one has set.
[[nodiscard]] std::span<const SettingRow> setting_rows();

/// A value as a complaint repeats it: whole if it is short, and never a control character.
[[nodiscard]] std::string quoted(std::string_view value);

/// THAW_UPSTREAM_DSN and SENTRY_DSN, THAW_ALLOWED_HOSTS: in upstream_settings.cpp.
void take_upstream_dsns(Settings& settings, std::string_view value,
                        std::vector<Complaint>& complaints);
void take_sentry_dsn(Settings& settings, std::string_view value,
                     std::vector<Complaint>& complaints);
void take_allowed_hosts(Settings& settings, std::string_view value,
                        std::vector<Complaint>& complaints);

/// A list of DSNs with their keys shortened; "?" for what is none.
[[nodiscard]] std::string public_dsns(std::string_view list);

/// THAW_PROXY alone, and what else the environment says of proxies: in proxy_settings.cpp.
void take_own_proxy(Settings& settings, std::string_view value, std::vector<Complaint>& complaints);
void take_proxies(Settings& settings, const Environment& environment,
                  std::vector<Complaint>& complaints);

}  // namespace extension
