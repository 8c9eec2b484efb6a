// The cursor over an envelope's bytes that Envelope::parse drives: one header, then items to the
// end. Behaves as getsentry/relay relay-server/src/envelope/mod.rs (parse_headers, parse_item;
// checked 2026-11), whose errors it gives. Linear in the headers; a payload with a `length` is
// stepped over.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "proto/envelope.hpp"
#include "proto/json_members.hpp"

namespace proto {

class EnvelopeParser {
 public:
  struct Header {
    std::size_t end = 0;  ///< behind the closing brace
    std::optional<EventId> event_id;
    std::optional<Dsn> dsn;
    bool names_trace = false;
  };

  /// Both outlive the parser; `body` stays as it is.
  EnvelopeParser(const Bytes& body, JsonMembers& members)
      : body_(body), text_(body.view()), members_(members) {}

  /// First of all. Errors: envelope_empty_body, _missing_header, _invalid_header, _invalid_dsn,
  /// _missing_newline.
  [[nodiscard]] Result<Header> header();

  [[nodiscard]] bool done() const { return at_ >= text_.size(); }

  /// The next one, into an empty `item`. Not when done. Errors: envelope_unexpected_eof,
  /// _invalid_item, _missing_newline.
  [[nodiscard]] boost::system::error_code item(Item& item);

 private:
  [[nodiscard]] Result<std::size_t> read_object(boost::system::error_code at_end,
                                                boost::system::error_code invalid);
  [[nodiscard]] Result<std::size_t> payload_end(std::optional<std::uint64_t> length) const;
  [[nodiscard]] bool ends_line(std::size_t at) const;

  const Bytes& body_;
  std::string_view text_;
  std::size_t at_ = 0;
  JsonMembers& members_;
};

}  // namespace proto
