// What is linked into this binary, by the libraries' own word where they have one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace extension {

struct Linked {
  std::string_view name;
  std::string version;
};

/// Everything of which code or data is in the binary. The names are those that a bill of materials
/// of it is compared by (tests/system/supply.py).
[[nodiscard]] std::vector<Linked> linked();

/// `thaw --version`; `verbose`: and one line for each of linked().
[[nodiscard]] std::string version_text(bool verbose);

}  // namespace extension
