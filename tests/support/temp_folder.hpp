// A folder that goes with the test, whatever is in it.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include <doctest/doctest.h>
#include <stdlib.h>

namespace support {

class TempFolder {
 public:
  TempFolder() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }

  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  [[nodiscard]] std::string path(const std::string& below = "") const {
    return below.empty() ? path_ : path_ + "/" + below;
  }

  /// Of what is in a folder below, in order; none if that is not there.
  [[nodiscard]] std::vector<std::string> names(const std::string& below) const {
    std::vector<std::string> names;
    std::error_code missing;
    for (const auto& entry : std::filesystem::directory_iterator(path(below), missing)) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "thaw-test-XXXXXX").string();
};

}  // namespace support
