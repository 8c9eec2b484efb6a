// What a process must leave to the next one of its sandbox, so that a reset neither hides nor
// doubles a failure: the invoke that was open. A reset starts new processes above the same /tmp
// (AWS docs, "Understanding the Lambda execution environment lifecycle"; checked 2026-11). Pure:
// invoke_file keeps the bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "relay/clock.hpp"

namespace extension {

struct KeptInvoke {
  std::string request_id;
  std::optional<relay::WallTime> deadline;
  std::string function_arn;
  std::string xray_trace;  ///< the X-Ray header
  relay::WallTime begun;   ///< INVOKE came
  bool cold = false;       ///< the first of its process
  bool telemetry = false;  ///< its end would have been told
  bool ended = false;      ///< well, or in a way that is nobody's failure
  bool reported = false;

  bool operator==(const KeptInvoke&) const = default;
};

/// A longer text is kept as "": the platform's are below half of it.
inline constexpr std::size_t kMaxKeptText = 512;
inline constexpr std::size_t kMaxInvokeRecord = 40 + 3 * (4 + kMaxKeptText);

/// The record that README.md describes, at most kMaxInvokeRecord bytes.
[[nodiscard]] std::string encode_invoke(const KeptInvoke& invoke);

/// The record at the front of `bytes`, whatever follows it. nullopt: torn, of another version, or
/// never ours.
[[nodiscard]] std::optional<KeptInvoke> parse_invoke(std::string_view bytes);

}  // namespace extension
