// Log lines kept for a test to look at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay/log.hpp"

namespace extension_test {

class LogLines final : public relay::LogSink {
 public:
  [[nodiscard]] bool write(std::string_view line) override {
    if (!full) lines.emplace_back(line);
    return !full;
  }

  std::vector<std::string> lines;
  bool full = false;  ///< takes no more
};

}  // namespace extension_test
