#include "tests/support/scripted_upstream.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <doctest/doctest.h>

#include "proto/codec.hpp"

namespace support {
namespace {

/// Says that a send is over, however it ends.
class Ending {
 public:
  explicit Ending(ScriptedUpstream::Call& call) : call_(call) {}

  ~Ending() {
    call_.ended = true;
    call_.progress = nullptr;
  }

  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;

 private:
  ScriptedUpstream::Call& call_;
};

ScriptedUpstream::Answer answer_of(unsigned status, std::string rate_limits,
                                   std::string retry_after) {
  relay::UpstreamAnswer answer;
  answer.status = status;
  answer.rate_limits = std::move(rate_limits);
  answer.retry_after = std::move(retry_after);
  return answer;
}

}  // namespace

std::string_view ScriptedUpstream::Call::header(std::string_view name) const {
  const auto found =
      std::ranges::find(request.headers, name, &std::pair<std::string, std::string>::first);
  return found == request.headers.end() ? std::string_view{} : found->second;
}

std::string ScriptedUpstream::Call::decoded() const {
  const auto encoding = proto::encoding_of_name(header("Content-Encoding"));
  REQUIRE(encoding.has_value());
  const auto bytes = proto::decode(*encoding, proto::Bytes::copy_of(body), 1U << 24U);
  REQUIRE(bytes.has_value());
  return std::string(bytes->view());
}

void ScriptedUpstream::answers(unsigned status, std::string rate_limits, std::string retry_after) {
  script_.push_back({answer_of(status, std::move(rate_limits), std::move(retry_after)), {}});
}

void ScriptedUpstream::fails(boost::system::error_code why, relay::SendProgress progress) {
  script_.push_back({Answer(why), progress});
}

void ScriptedUpstream::throws(relay::SendProgress progress) {
  script_.push_back({{}, progress, true});
}

void ScriptedUpstream::hangs(relay::SendProgress progress) { script_.push_back({{}, progress}); }

void ScriptedUpstream::answer(std::size_t call, unsigned status, std::string rate_limits) {
  at(call).result = answer_of(status, std::move(rate_limits), "");
  told_.notify();
}

void ScriptedUpstream::fail(std::size_t call, boost::system::error_code why) {
  at(call).result = Answer(why);
  told_.notify();
}

const ScriptedUpstream::Call& ScriptedUpstream::call(std::size_t index) const {
  if (index >= calls_.size()) FAIL("no such call");
  return *std::next(calls_.begin(), static_cast<std::ptrdiff_t>(index));
}

ScriptedUpstream::Call& ScriptedUpstream::at(std::size_t index) {
  REQUIRE(index < calls_.size());
  return *std::next(calls_.begin(), static_cast<std::ptrdiff_t>(index));
}

std::size_t ScriptedUpstream::hanging() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(calls_, [](const Call& call) { return !call.ended; }));
}

boost::asio::awaitable<ScriptedUpstream::Answer> ScriptedUpstream::send(
    const relay::UpstreamRequest& request, relay::SendProgress& progress) {
  Call& call = calls_.emplace_back();
  const Ending ending(call);
  call.request = request;
  call.body = request.body;
  call.request.body = call.body;
  call.progress = &progress;
  Step step;
  if (!otherwise_hangs) step.result = answer_of(200, "", "");
  if (!script_.empty()) {
    step = std::move(script_.front());
    script_.pop_front();
  }
  progress = step.progress;
  call.result = std::move(step.result);
  if (step.throws) throw std::runtime_error("the upstream broke");
  while (!call.result) co_await told_.wait();
  co_return *call.result;
}

}  // namespace support
