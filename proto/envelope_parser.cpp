#include "proto/envelope_parser.hpp"

#include <algorithm>
#include <array>

#include "proto/errc.hpp"
#include "proto/json.hpp"

namespace proto {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// Fields that Relay's header has a place for; a second one of the same name is an error there
/// (EnvelopeHeaders and RequestMeta; relay-server/src/envelope/mod.rs, extractors/request_meta.rs).
constexpr std::array<std::string_view, 13> kKnownFields{
    "event_id",     "dsn",      "sent_at",           "trace",         "origin",
    "client",       "version",  "remote_addr",       "forwarded_for", "user_agent",
    "client_hints", "no_cache", "required_features",
};

bool has_known_duplicate(const std::vector<JsonMember>& members) {
  return std::ranges::any_of(kKnownFields, [&](std::string_view field) {
    return std::ranges::count(members, field, &JsonMember::key) > 1;
  });
}

bool read_dsn(const JsonMember& member, EnvelopeParser::Header& header) {
  auto dsn = parse_dsn(member.text);
  if (!dsn) return false;
  header.dsn = std::move(*dsn);
  return true;
}

bool read_event_id(const JsonMember& member, EnvelopeParser::Header& header) {
  header.event_id = normalize_event_id(member.text);
  return header.event_id.has_value();
}

/// Takes what we want of one member; an error if Relay would not have it.
boost::system::error_code read_header_member(const JsonMember& member,
                                             EnvelopeParser::Header& header) {
  if (member.kind == JsonKind::null) return {};
  const bool is_string = member.kind == JsonKind::string;
  bool read = true;
  if (member.key == "dsn") {
    if (!is_string || !read_dsn(member, header)) return Errc::envelope_invalid_dsn;
  } else if (member.key == "sent_at") {
    read = is_string && parse_rfc3339(member.text).has_value();
  } else if (member.key == "trace") {
    header.names_trace = true;
  } else if (member.key == "event_id") {
    read = is_string && read_event_id(member, header);
  }
  if (!read) return Errc::envelope_invalid_header;
  return {};
}

struct ItemHeader {
  Item& item;
  bool has_type = false;
  std::optional<std::uint64_t> length{};
};

bool read_length(const JsonMember& member, ItemHeader& header) {
  header.length = member.integer();
  return header.length.has_value() || member.kind == JsonKind::null;
}

bool read_type(const JsonMember& member, ItemHeader& header) {
  header.has_type = member.kind == JsonKind::string;
  header.item.type = member.text;
  return header.has_type;
}

/// Takes what we want of one member; false if Relay would not have it. Of duplicates the last
/// counts.
bool read_item_member(const JsonMember& member, ItemHeader& header) {
  if (member.key == "type") return read_type(member, header);
  if (member.key == "length") return read_length(member, header);
  const bool is_string = member.kind == JsonKind::string;
  if (member.key == "attachment_type" && is_string) header.item.attachment_type = member.text;
  if (member.key == "platform" && is_string) header.item.platform = member.text;
  if (member.key == "item_count") header.item.item_count = member.integer().value_or(0);
  if (member.key == "span_count") header.item.span_count = member.integer();
  return true;
}

}  // namespace

Result<std::size_t> EnvelopeParser::read_object(boost::system::error_code at_end,
                                                boost::system::error_code invalid) {
  // A streaming JSON parser skips blanks, line ends among them, in front of a value.
  const std::size_t begin = text_.find_first_not_of(kBlanks, at_);
  if (begin == std::string_view::npos) return at_end;
  const std::string_view header = text_.substr(begin, kMaxHeaderBytes);
  const std::size_t readable = body_.capacity() + Bytes::kPadding - begin;
  // Nearly always it is a line of its own, and then nobody has to look for its end.
  std::string_view object = header.substr(0, header.find('\n'));
  if (!object.ends_with('}') || !members_.read(object, readable)) {
    const std::size_t length = json_object_end(header);
    if (length == std::string_view::npos) return invalid;
    object = header.substr(0, length);
    if (!members_.read(object, readable)) return invalid;
  }
  at_ = begin + object.size();
  return begin;
}

bool EnvelopeParser::ends_line(std::size_t at) const {
  return at == text_.size() || text_[at] == '\n';
}

Result<EnvelopeParser::Header> EnvelopeParser::header() {
  if (text_.empty()) return Errc::envelope_empty_body;
  const auto begin = read_object(Errc::envelope_missing_header, Errc::envelope_invalid_header);
  if (!begin) return begin.error();
  const auto& members = members_.all();
  Header header;
  header.end = at_;
  if (has_known_duplicate(members)) return Errc::envelope_invalid_header;
  for (const JsonMember& member : members) {
    if (const auto failed = read_header_member(member, header)) return failed;
  }
  if (!ends_line(at_)) return Errc::envelope_missing_newline;
  at_ += 1;
  return header;
}

boost::system::error_code EnvelopeParser::item(Item& item) {
  const auto begin = read_object(Errc::envelope_unexpected_eof, Errc::envelope_invalid_item);
  if (!begin) return begin.error();
  ItemHeader header{item};
  for (const JsonMember& member : members_.all()) {
    if (!read_item_member(member, header)) return Errc::envelope_invalid_item;
  }
  if (!header.has_type) return Errc::envelope_invalid_item;
  if (!ends_line(at_)) return Errc::envelope_missing_newline;
  // A header at the very end needs no line end; its payload is empty.
  at_ = std::min(at_ + 1, text_.size());
  const auto end = payload_end(header.length);
  if (!end) return end.error();
  item.begin = *begin;
  item.payload_begin = at_;
  item.end = *end;
  at_ = *end + 1;
  return {};
}

Result<std::size_t> EnvelopeParser::payload_end(std::optional<std::uint64_t> length) const {
  if (!length) return std::min(text_.find('\n', at_), text_.size());
  if (*length > text_.size() - at_) return Errc::envelope_unexpected_eof;
  const std::size_t end = at_ + static_cast<std::size_t>(*length);
  if (!ends_line(end)) return Errc::envelope_missing_newline;
  return end;
}

}  // namespace proto
