// What the programs of this folder take from the command line: --quick, and --json FILE; and how
// they say there what was promised, as figures.py does.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace bench {

struct Arguments {
  explicit Arguments(const std::vector<std::string>& words) {
    for (auto word = words.begin(); word != words.end(); ++word) {
      if (*word == "--quick") {
        quick = true;
      } else if (*word == "--json" && word + 1 != words.end()) {
        json.reset(std::fopen((++word)->c_str(), "w"));
      } else {
        std::fputs("usage: [--quick] [--json FILE]\n", stderr);
        std::exit(2);
      }
    }
  }

  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  bool quick = false;
  std::unique_ptr<std::FILE, Close> json;  ///< figures for programs; none if nobody wants them
};

/// The program's only promise, on the page, and as the member "promises" of an open JSON object.
inline void promise(std::FILE* json, const char* what, const char* wanted, const std::string& seen,
                    bool kept) {
  std::printf("\n- %s: %s: %s; wanted: %s\n", kept ? "PASS" : "FAIL", what, seen.c_str(), wanted);
  if (json == nullptr) return;
  std::fprintf(json,
               "\"promises\":[{\"what\":\"%s\",\"wanted\":\"%s\",\"seen\":\"%s\",\"kept\":%s}]",
               what, wanted, seen.c_str(), kept ? "true" : "false");
}

}  // namespace bench
