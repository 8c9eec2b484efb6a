// An upstream that does what the test says: answers by script, fails, throws, or hangs until told.
#pragma once

#include <deque>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>

#include "relay/upstream.hpp"
#include "relay/wakeup.hpp"

namespace support {

class ScriptedUpstream final : public relay::Upstream {
 public:
  using Answer = proto::Result<relay::UpstreamAnswer>;

  /// One send, for as long as the upstream lives.
  struct Call {
    relay::UpstreamRequest request;  ///< its body is the copy below
    std::string body;
    relay::SendProgress* progress = nullptr;  ///< until it has ended
    std::optional<Answer> result;
    bool throws = false;
    bool ended = false;

    [[nodiscard]] std::string_view header(std::string_view name) const;
    /// The body without its Content-Encoding.
    [[nodiscard]] std::string decoded() const;
  };

  explicit ScriptedUpstream(const boost::asio::any_io_executor& executor) : told_(executor) {}

  // The script: what becomes of the next send, and the ones behind it. Behind its end: `otherwise`.
  void answers(unsigned status, std::string rate_limits = "", std::string retry_after = "");
  void fails(boost::system::error_code why, relay::SendProgress progress = {});
  void throws(relay::SendProgress progress = {});
  void hangs(relay::SendProgress progress = {});

  /// What has not been played of it never is.
  void forget_script() { script_.clear(); }

  /// What comes behind the script: 200 unless the test says that all hang.
  bool otherwise_hangs = false;

  int names_forgotten = 0;

  // To a send that hangs.
  void answer(std::size_t call, unsigned status, std::string rate_limits = "");
  void fail(std::size_t call, boost::system::error_code why);

  [[nodiscard]] const Call& call(std::size_t index) const;

  [[nodiscard]] std::size_t calls() const { return calls_.size(); }

  [[nodiscard]] std::size_t hanging() const;

  [[nodiscard]] std::size_t warmed() const { return warmed_; }

  [[nodiscard]] boost::asio::awaitable<Answer> send(const relay::UpstreamRequest& request,
                                                    relay::SendProgress& progress) override;

  void warm(const relay::Endpoint&) override { ++warmed_; }

  void forget() override {}

  void forget_names() override { ++names_forgotten; }

 private:
  struct Step {
    std::optional<Answer> result;
    relay::SendProgress progress;
    bool throws = false;
  };

  Call& at(std::size_t index);

  std::deque<Step> script_;
  std::list<Call> calls_;
  relay::Wakeup told_;
  std::size_t warmed_ = 0;
};

}  // namespace support
