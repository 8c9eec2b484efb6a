#include "proto/envelope.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "proto/ascii.hpp"
#include "proto/envelope_parser.hpp"
#include "proto/errc.hpp"
#include "proto/json.hpp"
#include "proto/json_members.hpp"

namespace proto {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// One change of a header's text; `begin` and `end` are offsets.
struct Edit {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string text;
};

std::string edited(std::string_view text, std::vector<Edit> edits) {
  // Of an insertion and a change at the same place the insertion, which is empty, comes first.
  std::ranges::sort(edits, {}, [](const Edit& edit) { return std::pair{edit.begin, edit.end}; });
  std::string out;
  std::size_t done = 0;
  for (const Edit& edit : edits) {
    out += text.substr(done, edit.begin - done);
    out += edit.text;
    done = edit.end;
  }
  out += text.substr(done);
  return out;
}

const JsonMember* find_member(const JsonMembers& members, std::string_view key) {
  const auto found = std::ranges::find(members.all(), key, &JsonMember::key);
  return found == members.all().end() ? nullptr : &*found;
}

/// The member with one of the commas beside it, if there is one.
Edit removal(std::string_view object, const JsonMember& member) {
  std::size_t begin = static_cast<std::size_t>(member.key_begin - object.data());
  std::size_t end = static_cast<std::size_t>(member.raw.data() - object.data()) + member.raw.size();
  const std::size_t before = object.find_last_not_of(kBlanks, begin - 1);
  const std::size_t behind = object.find_first_not_of(kBlanks, end);
  if (object[before] == ',') {
    begin = before;
  } else if (object[behind] == ',') {
    end = behind + 1;
  }
  return {begin, end, {}};
}

Edit replacement(std::string_view object, const JsonMember& member, std::string value) {
  const auto begin = static_cast<std::size_t>(member.raw.data() - object.data());
  return {begin, begin + member.raw.size(), std::move(value)};
}

/// A hex digit in lower case for each character; 0 for what is none. Every envelope has 32 of them.
constexpr auto kHexDigits = [] {
  std::array<char, 256> digits{};
  for (const char c : std::string_view("0123456789abcdefABCDEF")) {
    digits[static_cast<unsigned char>(c)] = lower(c);
  }
  return digits;
}();

/// Writes as many digits as there are characters. False if one is none.
bool put_hex(std::string_view text, char*& digit) {
  bool all = true;
  for (const char c : text) {
    *digit = kHexDigits[static_cast<unsigned char>(c)];
    all = all && *digit++ != '\0';
  }
  return all;
}

}  // namespace

ParserMemory::ParserMemory() : members_(std::make_unique<JsonMembers>()) {}

ParserMemory::~ParserMemory() = default;

Result<Envelope> Envelope::parse(Bytes body) {
  JsonMembers members;
  return parse(std::move(body), members);
}

Result<Envelope> Envelope::parse(Bytes body, ParserMemory& memory) {
  auto envelope = parse(std::move(body), *memory.members_);
  memory.members_->shrink();
  return envelope;
}

Result<Envelope> Envelope::parse(Bytes body, JsonMembers& members) {
  // Made where it is returned: an envelope is large to move.
  Result<Envelope> envelope{boost::system::in_place_value};
  envelope->body_ = std::move(body);
  if (const auto failed = envelope->read(members)) envelope = failed;
  return envelope;
}

boost::system::error_code Envelope::read(JsonMembers& members) {
  EnvelopeParser parser{body_, members};
  auto header = parser.header();
  if (!header) return header.error();
  header_end_ = header->end;
  event_id_ = header->event_id;
  dsn_ = std::move(header->dsn);
  names_trace_ = header->names_trace;
  while (!parser.done()) {
    if (const auto failed = parser.item(items_.emplace_back())) return failed;
    count(items_.back());
    if (items_.size() > kMaxItems) return Errc::envelope_too_many_items;
  }
  // Relay looks at types only once the whole envelope is read.
  const auto is_internal = [](const Item& item) { return item.type == "integration"; };
  if (std::ranges::any_of(items_, is_internal)) return Errc::envelope_internal_items;
  return {};
}

void Envelope::count(const Item& item) {
  const ItemFacts facts = item.facts();
  const Category ledger = ledger_category(facts);
  counts_.add(ledger);
  urgency_ = std::max(urgency_, proto::urgency(ledger));
  // A minidump counts as an attachment, but it is an error.
  for (const auto& category : limit_categories(facts)) {
    if (category) urgency_ = std::max(urgency_, proto::urgency(*category));
  }
  const bool once = item.type == "event" || item.type == "transaction";
  const Deduplicated alone = once ? Deduplicated::all : Deduplicated::none;
  if (items_.size() == 1) deduplicated_ = alone;
  if (deduplicated_ != alone) deduplicated_ = Deduplicated::some;
}

std::string_view Envelope::items_as_they_came() const& {
  const std::string_view whole = body_.view();
  return whole.substr(std::min(header_end_ + 1, whole.size()));
}

std::string Envelope::restamped_header(const Dsn& dsn, WallTime now) const {
  const std::string_view line = body_.view().substr(0, header_end_);
  const std::size_t begin = line.find('{');
  const std::string_view object = line.substr(begin);
  JsonMembers members;
  // It was read before, so it can be read again; were it not, an empty object would still be right.
  if (!members.read(object, body_.capacity() + Bytes::kPadding - begin)) members = {};

  std::vector<Edit> edits;
  std::string added;
  std::size_t left = members.all().size();
  const auto put = [&](std::string_view key, std::string value) {
    if (const JsonMember* member = find_member(members, key)) {
      edits.push_back(replacement(object, *member, std::move(value)));
    } else {
      added += (added.empty() ? "\"" : ",\"") + std::string{key} + "\":" + value;
    }
  };
  put("dsn", json_quote(to_string(dsn)));
  const JsonMember* sent_at = find_member(members, "sent_at");
  if (now >= kOldestSane) {
    put("sent_at", json_quote(to_rfc3339(now)));
  } else if (sent_at != nullptr) {
    edits.push_back(removal(object, *sent_at));
    --left;
  }
  if (!added.empty()) edits.push_back({1, 1, added + (left > 0 ? "," : "")});
  return edited(object, std::move(edits)) + "\n";
}

boost::system::error_code check_dsn_agrees(const Envelope& envelope, std::string_view public_key,
                                           std::uint64_t project_id) {
  const auto& dsn = envelope.dsn();
  if (!dsn) return {};
  if (dsn->project_id != project_id) return Errc::envelope_project_mismatch;
  if (dsn->public_key != public_key) return Errc::envelope_key_mismatch;
  return {};
}

std::optional<EventId> normalize_event_id(std::string_view text) {
  EventId id;
  auto* digit = id.data();
  if (text.size() == id.size()) return put_hex(text, digit) ? std::optional(id) : std::nullopt;
  // 8-4-4-4-12, as RFC 9562 writes it.
  constexpr std::size_t kDashed = 36;
  if (text.size() != kDashed) return std::nullopt;
  for (const std::size_t part : {8U, 4U, 4U, 4U, 12U}) {
    if (!put_hex(text.substr(0, part), digit)) return std::nullopt;
    text.remove_prefix(part);
    if (!text.empty() && text.front() != '-') return std::nullopt;
    text.remove_prefix(std::min<std::size_t>(1, text.size()));
  }
  return id;
}

}  // namespace proto
