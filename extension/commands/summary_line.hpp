// One process' figures out of a line of log, or out of /stats: Thaw's line at SHUTDOWN, which is an
// object as relay/stats.schema.json describes it, in whatever wrapping it has come. Whoever writes
// to the function's log may have written the line. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "extension/commands/tally.hpp"

namespace extension {

/// Items by category, and what has become of them.
struct Fates {
  Tally accepted, recovered, delivered, waiting;
  std::map<std::string, Tally> refused;  ///< by status
  std::map<std::string, Tally> dropped;  ///< by reason

  [[nodiscard]] std::uint64_t lost() const;
};

struct ProcessFigures {
  std::string version, started, now;  ///< printable, and not long
  Fates items;
  Tally rejected;      ///< requests, by reason
  Tally held_invokes;  ///< by what for
  Tally held_ms;
  Times accept, answer, hold;
  Tally counters;  ///< kCountedMembers
};

/// Single counters: where they are in the object, and what people call them.
struct CountedMember {
  std::string_view pointer, name;
};

inline constexpr std::array<CountedMember, 12> kCountedMembers = {{
    {"/invokes", "invokes"},
    {"/held/unknown", "holds_unknown"},
    {"/upstream/requests", "requests"},
    {"/upstream/retries", "retries"},
    {"/upstream/failures", "requests_without_answer"},
    {"/upstream/cuts", "cut_by_a_freeze"},
    {"/upstream/possible_duplicates", "possible_duplicates"},
    {"/upstream/breaker_openings", "breaker_openings"},
    {"/journal/write_failures", "journal_write_failures"},
    {"/failures/reported", "failures_reported"},
    {"/failures/unreported", "failures_unreported"},
    {"/log_lines_dropped", "log_lines_dropped"},
}};

struct SummaryLine {
  enum class Kind {
    other,           ///< not of Thaw's summaries
    unreadable,      ///< looks like one, and is none
    unknown_schema,  ///< one of another version: `schema`
    summary,
  };
  Kind kind = Kind::other;
  std::uint64_t schema = 0;
  std::string sandbox;  ///< its log stream, where the line tells; printable, and not long
  ProcessFigures figures{};
};

/// Reads line after line, with one parser.
class SummaryReader {
 public:
  /// Found are: the object itself behind any prefix (`aws logs tail`, an export to S3); the object
  /// as text in a member message, @message, log or line of another; such a member alone on its line
  /// (`aws logs filter-log-events`).
  [[nodiscard]] SummaryLine read(std::string_view line);

 private:
  enum class Wrapping { may_be, undone };

  [[nodiscard]] SummaryLine read(std::string_view line, Wrapping wrapping);
  [[nodiscard]] SummaryLine read(const simdjson::dom::element& found, std::string sandbox,
                                 Wrapping wrapping);
  [[nodiscard]] bool parse(std::string_view text, simdjson::dom::element& into);

  simdjson::dom::parser parser_;
  bool ready_ = false;
};

}  // namespace extension
