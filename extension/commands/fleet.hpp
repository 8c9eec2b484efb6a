// Many processes' figures added up: the totals over all lines of a log. Pure, and bounded however
// many lines there are.
//
// What one process leaves waiting, the next one in the same sandbox recovers. So that nothing is
// counted twice, `recovered` of a line is taken off what an earlier line of that sandbox has left
// waiting; what no earlier line has left is `inherited`: the process before it has left no line.
// Then, in each category,
//   accepted + inherited = delivered + refused + dropped + waiting
// Lines that do not say which sandbox they are of are taken for one sandbox's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "extension/commands/summary_line.hpp"

namespace extension {

/// One sandbox among the worst.
struct Offender {
  std::string name;  ///< its log stream, or "line 12"
  std::uint64_t lost = 0;
  std::uint64_t held_ms = 0;
};

class Fleet {
 public:
  /// So many sandboxes are told apart; then those that have lost and held least are forgotten,
  /// except in the totals.
  static constexpr std::size_t kMostSandboxes = 4096;

  /// A line of log, whatever it is; an empty one only counts as one more on the way.
  void read(std::string_view line);

  /// Lines that were too long to be looked at.
  void skip_long(std::uint64_t lines) { too_long_ = lines; }

  // Lines, by what they were.
  std::uint64_t processes = 0;
  std::uint64_t others = 0;
  std::uint64_t unreadable = 0;
  std::map<std::uint64_t, std::uint64_t> unknown_schemas;  ///< the first few; then under 0

  std::uint64_t sandboxes = 0;  ///< told apart by their names
  ProcessFigures total;         ///< `recovered` and `waiting` as said above
  std::string first, last;      ///< times, as the lines have them; "" without a line
  std::uint64_t forgotten = 0;  ///< sandboxes

  [[nodiscard]] std::uint64_t too_long() const { return too_long_; }

  [[nodiscard]] std::uint64_t lost() const { return total.items.lost(); }

  /// At most so many, the worst first; none that is at zero.
  [[nodiscard]] std::vector<Offender> lost_most(std::size_t count) const;
  [[nodiscard]] std::vector<Offender> held_most(std::size_t count) const;

 private:
  struct Sandbox {
    Offender figures;
    std::map<std::string, std::uint64_t, std::less<>> waiting;
  };

  void add(const SummaryLine& line);
  void add_fates(const Fates& items, std::map<std::string, std::uint64_t, std::less<>>& left);
  Sandbox& sandbox_of(const SummaryLine& line);
  void forget_least();
  [[nodiscard]] std::vector<Offender> worst(std::size_t count,
                                            std::uint64_t Offender::* figure) const;

  SummaryReader reader_;
  std::uint64_t lines_ = 0;
  std::uint64_t too_long_ = 0;
  std::map<std::string, Sandbox, std::less<>> sandboxes_;
  std::map<std::string, std::uint64_t, std::less<>> unnamed_waiting_;
};

/// How long at most the quickest `percent` of them took, in milliseconds, estimated: within a
/// bucket lengths are taken to lie evenly. Negative: more than the last bound. 0 of none.
[[nodiscard]] double percentile(const Times& times, unsigned percent);

}  // namespace extension
