#include "tests/support/random_upstream.hpp"

#include <array>

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include "proto/envelope.hpp"

namespace support {
namespace {

constexpr std::array<unsigned, 8> kStatuses{400, 401, 413, 429, 500, 501, 502, 503};
constexpr std::array<const char*, 5> kLimits{"", "2:error:organization", "1:session;log_item:key",
                                             "1::organization", "0:transaction:key"};

}  // namespace

/// One request on its way: however it ends, what upstream saw of it is noted.
class RandomUpstream::Visit {
 public:
  Visit(RandomUpstream& upstream, const relay::UpstreamRequest& request,
        relay::SendProgress& progress)
      : upstream_(upstream), progress_(progress) {
    const auto envelope = proto::Envelope::parse(proto::Bytes::copy_of(request.body));
    id_ = envelope ? envelope->event_id() : "";
    if (!request.on_live_connection) return;
    report_ = true;
    ++upstream_.reports_under_way;
    const auto& item = envelope->items().front();
    told_ = proto::parse_client_report(
        envelope->bytes().substr(item.payload_begin, item.end - item.payload_begin));
  }

  ~Visit() {
    if (report_) --upstream_.reports_under_way;
    if (answered_ || !progress_.fully_written) return;
    if (report_) {
      upstream_.reports.merge(told_);
    } else {
      ++upstream_.written_only[id_];
    }
  }

  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

  void answered(unsigned status) {
    answered_ = true;
    // The relay tells again what it is told to tell again.
    if (report_ && status != 429 && status < 500) upstream_.reports.merge(told_);
    if (report_) return;
    if (status < 300) ++upstream_.accepted_answers;
    if (status < 300 || status == 429) upstream_.taken.insert(id_);
  }

 private:
  RandomUpstream& upstream_;
  relay::SendProgress& progress_;
  std::string id_;
  proto::ClientReport told_;
  bool report_ = false;
  bool answered_ = false;
};

RandomUpstream::Answer RandomUpstream::decide() {
  relay::UpstreamAnswer answer;
  if (percent() < kindness) {
    answer.status = 200;
    if (percent() < 3) answer.rate_limits = kLimits[random_() % kLimits.size()];
    return answer;
  }
  if (percent() < 40) return make_error_code(boost::asio::error::connection_reset);
  answer.status = kStatuses[random_() % kStatuses.size()];
  if (answer.status == 429) answer.rate_limits = kLimits[random_() % kLimits.size()];
  if (answer.status == 429 && percent() < 50) answer.retry_after = "1";
  return answer;
}

boost::asio::awaitable<RandomUpstream::Answer> RandomUpstream::send(
    const relay::UpstreamRequest& request, relay::SendProgress& progress) {
  progress = relay::SendProgress{};
  Visit visit(*this, request, progress);
  if (percent() < 5) co_return make_error_code(boost::asio::error::connection_refused);
  progress.last_byte = clock_.wall_now();
  progress.reused_connection = percent() < 30;
  progress.fully_written = percent() < 90;
  if (!progress.fully_written || percent() < 50) {
    // Until somebody gives up, or the answer comes.
    co_await told_.wait();
    const auto state = co_await boost::asio::this_coro::cancellation_state;
    if (state.cancelled() != boost::asio::cancellation_type::none) {
      co_return make_error_code(boost::asio::error::operation_aborted);
    }
    if (!progress.fully_written) co_return make_error_code(boost::asio::error::broken_pipe);
  }
  Answer answer = decide();
  if (answer) visit.answered(answer->status);
  co_return answer;
}

}  // namespace support
