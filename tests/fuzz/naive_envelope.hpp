// A second reader of envelopes: the table of what Relay was seen to do, written down sentence by
// sentence without a thought for speed (getsentry/relay: relay-server/src/envelope/mod.rs, observed
// on 26.9.0). Our parser must say the same of any bytes. Of it only the grammars of DSNs and times
// are shared, which have tests of their own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/json_tree.hpp"

namespace fuzz {

struct NaiveItem {
  std::string type;
  std::string_view header;
  std::string_view payload;

  bool operator==(const NaiveItem&) const = default;
};

/// Views into the body.
struct NaiveEnvelope {
  std::string refusal;  ///< in Relay's words; "" for an envelope that it takes
  Json header;
  std::vector<NaiveItem> items;
};

[[nodiscard]] NaiveEnvelope read_envelope(std::string_view body);

/// Our parser says the same of the body, and what we would forward of it is the same envelope, its
/// dsn and sent_at aside. Returns what was said.
std::string check_agrees(std::string_view body);

}  // namespace fuzz
