#include "extension/commands/linked.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <ares.h>
#include <doctest/doctest.h>
#include <openssl/opensslv.h>
#include <zlib.h>
#include <zstd.h>

#include "extension/start.hpp"

using namespace extension;

namespace {

std::string version_of(std::string_view name) {
  const auto all = linked();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Linked& one) { return one.name == name; });
  return found == all.end() ? "" : found->version;
}

}  // namespace

TEST_SUITE_BEGIN("extension/linked");

TEST_CASE("a library that is linked in is the one whose headers were compiled in") {
  CHECK(version_of("OpenSSL") == OPENSSL_VERSION_STR);
  CHECK(version_of("zstd") == ZSTD_VERSION_STRING);
  CHECK(version_of("zlib") == ZLIB_VERSION);
  CHECK(version_of("c-ares") == ARES_VERSION_STR);
}

TEST_CASE("every version is known and is a version") {
  for (const auto& [name, version] : linked()) {
    CAPTURE(name);
    CAPTURE(version);
    CHECK(version.find_first_of("0123456789") == 0);
  }
}

TEST_CASE("--verbose goes with --version, in either order, and with nothing else") {
  const auto started = [](std::vector<const char*> argv) {
    argv.insert(argv.begin(), "thaw");
    const auto count = static_cast<int>(argv.size());
    argv.push_back(nullptr);
    return read_start(count, argv.data(), {});
  };
  CHECK(started({"--version"}).text == version_text(false));
  CHECK(started({"--version", "--verbose"}).text == version_text(true));
  CHECK(started({"--verbose", "--version"}).text == version_text(true));
  CHECK(started({"--verbose"}).exit_code == 2);
  CHECK(started({"--verbose", "serve"}).exit_code == 2);
  CHECK(version_text(true).starts_with(version_text(false) + "  OpenSSL "));
}

TEST_SUITE_END();
