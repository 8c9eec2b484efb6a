// A file that exists for one test.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <unistd.h>

namespace support {

class TempFile {
 public:
  explicit TempFile(std::string_view content) {
    const int fd = ::mkstemp(path_.data());
    REQUIRE(fd >= 0);
    REQUIRE(::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    ::close(fd);
  }

  ~TempFile() { ::unlink(path_.c_str()); }

  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/thaw-test-XXXXXX";
};

}  // namespace support
