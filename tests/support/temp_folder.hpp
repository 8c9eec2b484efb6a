// A folder that goes with the test, whatever is in it.
#pragma once

#include <filesystem>
#include <string>

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

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "thaw-test-XXXXXX").string();
};

}  // namespace support
