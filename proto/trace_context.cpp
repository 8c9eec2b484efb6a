#include "proto/trace_context.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <simdjson.h>

#include "proto/json_dom.hpp"

namespace proto {

TraceFacts parse_trace_context(std::string_view header) {
  const simdjson::padded_string padded{header};
  simdjson::dom::parser parser;
  const auto document = parser.parse(padded);
  const auto trace = document["trace"];
  return {text_of(trace["trace_id"]), text_of(trace["release"]), text_of(trace["environment"]),
          platform_of_sdk(text_of(document["sdk"]["name"]))};
}

// SDKs are named sentry.LANGUAGE, or sentry.LANGUAGE.FRAMEWORK; not every language is called as the
// platform that it writes into its events (getsentry/sentry-release-registry: sdks/).
std::string platform_of_sdk(std::string_view sdk) {
  sdk = sdk.substr(0, sdk.find('/'));
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kPlatforms{{
      {"sentry.dotnet", "csharp"},
      {"sentry.elixir", "elixir"},
      {"sentry.go", "go"},
      {"sentry.java", "java"},
      {"sentry.javascript", "node"},
      {"sentry.native", "native"},
      {"sentry.php", "php"},
      {"sentry.python", "python"},
      {"sentry.ruby", "ruby"},
  }};
  const auto* const found = std::ranges::find_if(kPlatforms, [&](const auto& row) {
    return sdk == row.first ||
           (sdk.starts_with(row.first) && sdk.substr(row.first.size()).starts_with('.'));
  });
  return found == kPlatforms.end() ? std::string{} : std::string{found->second};
}

}  // namespace proto
