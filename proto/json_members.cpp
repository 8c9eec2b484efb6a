#include "proto/json_members.hpp"

#include <algorithm>
#include <new>
#include <system_error>

#include "proto/ascii.hpp"
#include "proto/number.hpp"

namespace proto {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kMaxDepth = 127;
constexpr std::size_t kUsualHeader = 512;
constexpr std::size_t kUsualMembers = 8;
constexpr std::size_t kLargestKept = 2048;

/// What simdjson does not look at itself: whether it got the memory for the texts (3.0.1,
/// ondemand::parser::allocate).
class Document : public ondemand::document {
 public:
  [[nodiscard]] bool has_memory() { return iter.string_buf_loc() != nullptr; }
};

/// To find no memory says nothing of the text: it may have been acknowledged.
bool failed(simdjson::error_code error) {
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  return error != simdjson::SUCCESS;
}

/// A token comes with the blanks behind it.
std::string_view without_blanks(std::string_view token) { return trimmed(token, " \t\r\n"); }

/// Takes a character off the front if it is one of these.
bool accept(std::string_view& text, std::string_view any_of) {
  if (text.empty() || !is_one_of(text.front(), any_of)) return false;
  text.remove_prefix(1);
  return true;
}

/// Takes digits off the front; false if there are none.
bool accept_digits(std::string_view& text) {
  const auto* const end = std::ranges::find_if_not(text, is_digit);
  const auto digits = static_cast<std::size_t>(end - text.begin());
  text.remove_prefix(digits);
  return digits > 0;
}

/// RFC 8259 §6. By grammar, not by value: an integer above 64 bits is a number to Relay, but not to
/// simdjson.
bool is_number(std::string_view text) {
  accept(text, "-");
  const bool has_whole = accept(text, "0") || accept_digits(text);
  if (!has_whole || (accept(text, ".") && !accept_digits(text))) return false;
  if (accept(text, "eE")) {
    accept(text, "+-");
    if (!accept_digits(text)) return false;
  }
  return text.empty();
}

bool check(ondemand::value value, int depth);

bool check_object(ondemand::value value, int depth) {
  ondemand::object object;
  if (depth > kMaxDepth || value.get_object().get(object)) return false;
  for (auto next : object) {
    ondemand::field field;
    std::string_view key;
    if (std::move(next).get(field) || field.unescaped_key().get(key)) return false;
    if (!check(field.value(), depth + 1)) return false;
  }
  return true;
}

bool check_array(ondemand::value value, int depth) {
  ondemand::array array;
  if (depth > kMaxDepth || value.get_array().get(array)) return false;
  for (auto next : array) {
    ondemand::value element;
    if (std::move(next).get(element) || !check(element, depth + 1)) return false;
  }
  return true;
}

/// Everything but objects, arrays and strings: the token is left for the iterator to skip.
bool is_scalar(std::string_view token) {
  return token == "null" || token == "true" || token == "false" || is_number(token);
}

/// The parser is lazy and says nothing about values nobody asks for, so all are asked for. `depth`
/// is that of a container which begins here.
// NOLINTNEXTLINE(misc-no-recursion): bounded by kMaxDepth
bool check(ondemand::value value, int depth) {
  const std::string_view token = value.raw_json_token();
  switch (token.front()) {
    case '{':
      return check_object(value, depth);
    case '[':
      return check_array(value, depth);
    case '"': {
      std::string_view text;
      return !value.get_string().get(text);
    }
    default:
      return is_scalar(without_blanks(token));
  }
}

JsonKind kind_of(char first) {
  switch (first) {
    case '{':
      return JsonKind::object;
    case '[':
      return JsonKind::array;
    case '"':
      return JsonKind::string;
    case 't':
    case 'f':
      return JsonKind::boolean;
    case 'n':
      return JsonKind::null;
    default:
      return JsonKind::number;
  }
}

bool read_member(ondemand::field& field, JsonMember& member) {
  member.key_begin = field.key().raw() - 1;  // raw() is behind the quote
  if (field.unescaped_key().get(member.key)) return false;
  ondemand::value value = field.value();
  const std::string_view token = without_blanks(value.raw_json_token());
  member.kind = kind_of(token.front());
  if (member.kind == JsonKind::object || member.kind == JsonKind::array) return check(value, 2);
  member.raw = token;
  if (member.kind == JsonKind::string) return !value.get_string().get(member.text);
  member.text = token;
  return is_scalar(token);
}

}  // namespace

std::optional<std::uint64_t> JsonMember::integer() const {
  if (kind != JsonKind::number) return std::nullopt;
  return parse_number<std::uint64_t>(text);
}

void JsonMembers::shrink() {
  if (parser_.capacity() <= kLargestKept && members_.capacity() <= kLargestKept) return;
  parser_ = ondemand::parser{};
  members_ = {};
}

bool JsonMembers::read(std::string_view object, std::size_t readable) {
  members_.clear();
  members_.reserve(kUsualMembers);
  // One size for all usual headers: the second of an envelope finds its memory there.
  const std::size_t capacity = std::max(object.size(), kUsualHeader);
  if (parser_.capacity() < capacity && failed(parser_.allocate(capacity, 2UL * kMaxDepth))) {
    return false;
  }
  Document document;
  ondemand::object members;
  const simdjson::padded_string_view padded{object.data(), object.size(), readable};
  if (failed(parser_.iterate(padded).get(static_cast<ondemand::document&>(document)))) return false;
  if (!document.has_memory()) throw std::bad_alloc();
  if (document.get_object().get(members)) return false;
  for (auto next : members) {
    ondemand::field field;
    if (std::move(next).get(field) || !read_member(field, members_.emplace_back())) return false;
  }
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS;  // all of it is used
}

}  // namespace proto
