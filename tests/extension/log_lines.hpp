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
    lines.emplace_back(line);
    return true;
  }

  std::vector<std::string> lines;
};

}  // namespace extension_test
