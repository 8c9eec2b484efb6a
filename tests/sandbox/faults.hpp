// What the upstream does wrong, and to which requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/result.hpp"

namespace sandbox {

/// Which of the requests (or connections), counted from 1.
struct Selector {
  std::uint64_t first = 0;  ///< only the first so many; 0: no such bound
  std::uint64_t every = 1;  ///< each so-manieth
  std::uint64_t until = 0;  ///< only until so many invokes are over; 0: no such bound

  [[nodiscard]] bool picks(std::uint64_t number, std::uint64_t invokes_over) const {
    return (first == 0 || number <= first) && number % every == 0 &&
           (until == 0 || invokes_over < until);
  }
};

enum class FaultKind {
  status,
  header,
  reset_before,
  reset_within,
  reset_after,
  hang,
  slow,
  refuse
};

struct Fault {
  FaultKind kind = FaultKind::status;
  unsigned value = 0;  ///< the status, or the milliseconds
  Selector selector;
  bool selective = false;  ///< a selector was written
  std::pair<std::string, std::string> header;
};

/// All that happens to one request.
struct RequestPlan {
  bool reset_before = false, reset_within = false, reset_after = false, hang = false;
  unsigned status = 0;  ///< 0: as the request deserves
  std::chrono::milliseconds slow{0};
  std::vector<std::pair<std::string, std::string>> headers;
};

class Faults {
 public:
  /// A comma list of KIND[:VALUE][SELECTOR]; one that begins with "header:" is a single fault.
  /// Error: invalid_argument.
  [[nodiscard]] proto::Result<void> add(std::string_view list);

  [[nodiscard]] RequestPlan plan(std::uint64_t request, std::uint64_t invokes_over) const;
  [[nodiscard]] bool refuses(std::uint64_t connection, std::uint64_t invokes_over) const;
  /// Nothing listens at all.
  [[nodiscard]] bool refuses_everything() const;

 private:
  [[nodiscard]] proto::Result<void> add_one(std::string_view text);
  std::vector<Fault> faults_;
};

}  // namespace sandbox
