// Everything the relay counts, in one place. Counters are the log.
#pragma once

#include <cstdint>

#include "relay/histogram.hpp"
#include "relay/ledger.hpp"

namespace relay {

struct Stats {
  Ledger ledger;  ///< by data category

  // Envelopes, whatever they hold.
  std::uint64_t envelopes_accepted = 0;
  std::uint64_t urgent_accepted = 0;      ///< of them, with an error, feedback or check-in
  std::uint64_t envelopes_recovered = 0;  ///< left waiting by an earlier process
  std::uint64_t envelopes_delivered = 0;
  std::uint64_t envelopes_lost = 0;  ///< refused or dropped whole

  Histogram accept_time;  ///< from a whole local request to its verdict, with the journal's write
  Histogram answer_time;  ///< from the begin of an upstream request to its answer, without those
                          ///< that a freeze lay across

  std::uint64_t bytes_in = 0;   ///< request bodies as they came
  std::uint64_t bytes_out = 0;  ///< request bodies as they left

  std::uint64_t requests = 0;             ///< upstream requests begun
  std::uint64_t retries = 0;              ///< of them, for an envelope that had been tried before
  std::uint64_t cuts = 0;                 ///< upstream requests a freeze took away
  std::uint64_t possible_duplicates = 0;  ///< envelopes sent again after they were fully written
  std::uint64_t failures = 0;             ///< upstream requests without an answer
  std::uint64_t breaker_openings = 0;     ///< hosts found not worth asking
  std::uint64_t probes = 0;               ///< requests that asked whether they are again
  std::uint64_t reports_sent = 0;         ///< client reports that upstream took
  std::uint64_t task_failures = 0;        ///< tasks of ours that ended with an exception
  std::uint64_t unreadable = 0;           ///< kept requests that the journal could not give back
};

}  // namespace relay
