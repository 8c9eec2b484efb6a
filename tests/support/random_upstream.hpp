// An upstream that does whatever upstreams do, at random, and remembers what it has seen of each
// envelope. Envelopes are told apart by their event_id; bodies must come uncompressed.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "proto/client_report.hpp"
#include "relay/upstream.hpp"
#include "relay/wakeup.hpp"

namespace support {

class RandomUpstream final : public relay::Upstream {
 public:
  using Answer = proto::Result<relay::UpstreamAnswer>;

  RandomUpstream(const boost::asio::any_io_executor& executor, const relay::Clock& clock,
                 std::mt19937_64& random)
      : clock_(clock), random_(random), told_(executor) {}

  /// Of a hundred requests, how many fare well.
  unsigned kindness = 60;

  std::set<std::string> taken;                   ///< event ids it has answered with 2xx or 429
  std::uint64_t accepted_answers = 0;            ///< 2xx
  std::map<std::string, unsigned> written_only;  ///< times sent completely and never answered
  proto::ClientReport reports;  ///< what it was told, or was written completely in vain
  unsigned reports_under_way = 0;

  [[nodiscard]] boost::asio::awaitable<Answer> send(const relay::UpstreamRequest& request,
                                                    relay::SendProgress& progress) override;

  void warm(const relay::Endpoint&) override {}

  void forget() override {}

  void forget_names() override {}

  /// Those that hang get an answer or none.
  void release_hanging() { told_.notify(); }

 private:
  class Visit;

  unsigned percent() { return static_cast<unsigned>(random_() % 100); }

  Answer decide();

  const relay::Clock& clock_;
  std::mt19937_64& random_;
  relay::Wakeup told_;
};

}  // namespace support
