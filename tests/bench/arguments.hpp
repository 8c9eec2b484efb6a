// What the programs of this folder take from the command line: --quick, and --json FILE.
#pragma once

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

namespace bench {

struct Arguments {
  explicit Arguments(const std::vector<std::string>& words)
      : quick(std::ranges::find(words, "--quick") != words.end()) {
    const auto option = std::ranges::find(words, "--json");
    if (option == words.end() || option + 1 == words.end()) return;
    json.reset(std::fopen((option + 1)->c_str(), "w"));
  }

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  bool quick;
  std::unique_ptr<std::FILE, Close> json;  ///< figures for programs; none if nobody wants them
};

}  // namespace bench
