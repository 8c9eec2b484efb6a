// What an answer, or none, makes of the request that was sent: its fate, or what the next try has
// to know; and what it says about its host.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "relay/backlog.hpp"
#include "relay/clock.hpp"
#include "relay/log.hpp"
#include "relay/reducing.hpp"
#include "relay/upstream.hpp"

namespace relay {

/// How a request without an answer came to its end.
struct FlightFacts {
  SendProgress progress;
  bool exposed = false;   ///< was under way while a freeze could come
  bool given_up = false;  ///< the host held the next event for it, in vain
  bool blamed = false;    ///< and that was counted as a failure already
  bool judged = false;    ///< has had its grace after a thaw: it was cut
};

class Judge {
 public:
  /// Everything passed in outlives it. `random` gives 64 random bits.
  Judge(Clock& clock, Log& log, Backlog& backlog, Stats& stats, std::uint64_t (*random)());

  /// `zstd`: how the body was sent. The entry may be gone afterwards.
  void answered(Entry& entry, const UpstreamAnswer& answer, bool zstd);
  void unanswered(Entry& entry, const FlightFacts& flight, boost::system::error_code why);
  /// A hold has passed without an answer: the host failed.
  void gave_up(Host& host);
  /// The upstream threw: our own failure, but what was written may have been taken all the same.
  void broke(Entry& entry, const FlightFacts& flight);
  void back_off_from(Entry& entry);
  /// A freeze is over. What failed just before was cut as well: it goes again at once, unless it
  /// was written whole too often for that.
  void thawed();

  /// What drop_limited() will read of it.
  [[nodiscard]] std::size_t bytes_to_read(const Entry& entry) const;
  /// Takes out what upstream does not want now; of a large one all or nothing. True: nothing is
  /// left of it.
  [[nodiscard]] bool drop_limited(Entry& entry);
  /// The rest of that for a large one, now that its parcel has been read. nullptr: it goes as it
  /// is, or is gone.
  [[nodiscard]] std::unique_ptr<Backlog::Reducing> reduce(const Entry& entry,
                                                          std::shared_ptr<const Parcel> parcel);
  /// Whether it was written too often for what is left of it, and so is gone.
  [[nodiscard]] bool is_spent(const Entry& entry);

 private:
  struct Limited {
    std::vector<bool> flagged;
    proto::CategoryCounts counts;  ///< of the flagged items
  };

  /// What the limits take of it at `now`, which is when they were learnt where an answer named
  /// them: a freeze may have ended those. nullopt: it could not be loaded, and is gone.
  [[nodiscard]] std::optional<Limited> limited(const Entry& entry, const proto::RateLimits& limits,
                                               WallTime now);
  /// A flag for each item, where limits in force take some; none, where they take no item. nullopt:
  /// it is gone, all of it under a limit or out of reach.
  [[nodiscard]] std::optional<std::vector<bool>> limited_in_part(const Entry& entry);
  /// Of the first trouble only.
  void say_kept(const std::string& trouble);
  void say_refused(const Destination& destination, unsigned status);
  void rate_limited(Entry& entry, const UpstreamAnswer& answer);
  void server_failed(Entry& entry);
  /// Counts a full write without an answer. True: it was one too many, and the entry is gone.
  [[nodiscard]] bool written_too_often(Entry& entry, const FlightFacts& flight);
  void pause_before_repeat(Entry& entry, WallTime written);
  void may_be_cut(Entry& entry);
  /// `how`: for people, behind its name.
  void host_failed(Host& host, std::string_view how = "does not answer");
  void host_answered(Host& host);

  Clock& clock_;
  Log& log_;
  Backlog& backlog_;
  Stats& stats_;
  std::uint64_t (*random_)();
  /// Those with the mark, and some that have met their fate since or gone again: at most as many as
  /// wait.
  std::vector<std::uint64_t> maybe_cut_;
};

}  // namespace relay
