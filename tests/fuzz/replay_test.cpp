// Each target with each file of its corpus: what the fuzzers were given to begin with, and whatever
// they have found.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/fuzz/targets.hpp"

namespace fs = std::filesystem;

namespace {

struct Target {
  std::string name;
  void (*run)(std::string_view input);
};

const std::vector<Target> kTargets{
    {"answer", fuzz::answer},
    {"auth", fuzz::auth},
    {"codec", fuzz::codec},
    {"dsn", fuzz::dsn},
    {"endpoint", fuzz::endpoint},
    {"envelope", fuzz::envelope},
    {"event", fuzz::event},
    {"journal", fuzz::journal},
    {"listener", fuzz::listener},
    {"proxy", fuzz::proxy},
    {"rate_limits", fuzz::rate_limits},
    {"requests", fuzz::requests},
    {"telemetry", fuzz::telemetry},
    {"tunnel", fuzz::tunnel},
    {"upstream", fuzz::upstream},
};

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// In the same order everywhere.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

}  // namespace

TEST_SUITE("fuzz/replay") {
  TEST_CASE("every target takes its corpus") {
    for (const auto& target : kTargets) {
      CAPTURE(target.name);
      const auto inputs = entries(fs::path(THAW_FUZZ_CORPUS) / target.name);
      CHECK_FALSE(inputs.empty());
      target.run("");
      for (const auto& input : inputs) {
        CAPTURE(input.filename().string());
        target.run(content_of(input));
      }
    }
  }

  TEST_CASE("every corpus has its target") {
    for (const auto& folder : entries(THAW_FUZZ_CORPUS)) {
      CAPTURE(folder.string());
      CHECK(std::ranges::count(kTargets, folder.filename().string(), &Target::name) == 1);
    }
  }
}
