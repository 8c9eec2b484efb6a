// The first line of the page: all delivered, or what is not, why, and what to do. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "relay/snapshot.hpp"

namespace relay {

enum class Mood : std::uint8_t {
  good,
  busy,     ///< under way, nothing to do
  warning,  ///< nothing is lost, but it deserves a look
  bad,      ///< something is lost, or will be
};

/// All of it text, with foreign text in it: not markup.
struct Finding {
  Mood mood = Mood::good;
  std::string what;
  std::string advice;
};

struct Verdict {
  Mood mood = Mood::good;
  std::string headline;           ///< "All delivered"
  std::vector<Finding> findings;  ///< the worst first
};

[[nodiscard]] Verdict judge_all(const Snapshot& snapshot);

}  // namespace relay
