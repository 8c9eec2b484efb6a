#include "proto/cloudwatch_url.hpp"

#include <algorithm>
#include <chrono>

#include "proto/url_text.hpp"

namespace proto {
namespace {

/// AWS docs, "Amazon Web Services in China" and "AWS GovCloud (US)"; checked 2026-11.
std::string_view console_host(std::string_view region) {
  if (region.starts_with("cn-")) return "console.amazonaws.cn";
  if (region.starts_with("us-gov-")) return "console.amazonaws-us-gov.com";
  return "console.aws.amazon.com";
}

std::string encoded_for_console(std::string_view text) {
  std::string encoded = encode_query_text(encode_query_text(text));
  std::ranges::replace(encoded, '%', '$');
  return encoded;
}

std::string since_1970(WallTime time) {
  using std::chrono::milliseconds;
  return std::to_string(std::chrono::floor<milliseconds>(time.time_since_epoch()).count());
}

}  // namespace

std::string cloudwatch_url(const LogSearch& search) {
  const std::string region = encode_query_text(search.region);
  std::string url = "https://";
  url.append(console_host(search.region)).append("/cloudwatch/home?region=").append(region);
  url.append("#logsV2:log-groups/log-group/").append(encoded_for_console(search.log_group));
  url += "/log-events";
  std::string_view separator = "$3F";
  if (!search.request_id.empty()) {
    // In quotes it is one term; bare, its dashes would be read as operators.
    const std::string pattern = "\"" + std::string(search.request_id) + "\"";
    url.append(separator).append("filterPattern$3D").append(encoded_for_console(pattern));
    separator = "$26";
  }
  if (search.from && *search.from >= kOldestSane) {
    url.append(separator).append("start$3D").append(since_1970(*search.from));
  }
  return url;
}

}  // namespace proto
