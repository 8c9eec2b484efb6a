#include "relay/decimal.hpp"

#include <cstdint>

namespace relay {
namespace {

std::string decimal(std::int64_t number, std::size_t digits) {
  std::string text = std::to_string(number);
  if (text.size() <= digits) text.insert(0, digits + 1 - text.size(), '0');
  text.insert(text.size() - digits, ".");
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

std::string decimal_ms(std::chrono::microseconds length) { return decimal(length.count(), 3); }

std::string decimal_s(std::chrono::microseconds length) { return decimal(length.count(), 6); }

}  // namespace relay
