#include "relay/resolver.hpp"

#include <algorithm>
#include <utility>

#include <boost/system/error_code.hpp>

#include "relay/lookup.hpp"

namespace relay {
namespace {

std::string joined(const std::vector<std::string>& name_servers) {
  std::string all;
  for (const std::string& name_server : name_servers) all += (all.empty() ? "" : ",") + name_server;
  return all;
}

}  // namespace

/// Marks a name as being asked for as long as it lives, cancelled or not.
class Resolver::Question {
 public:
  Question(Resolver& resolver, std::string name)
      : resolver_(resolver),
        asked_(std::make_shared<Asked>(Asked{resolver.generation_})),
        place_(resolver.asking_.emplace(std::move(name), asked_).first) {}

  ~Question() {
    resolver_.asking_.erase(place_);
    resolver_.asked_.notify();
  }

  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  [[nodiscard]] Asked& asked() const { return *asked_; }

 private:
  Resolver& resolver_;
  std::shared_ptr<Asked> asked_;
  Asking::iterator place_;
};

Resolver::Resolver(asio::any_io_executor executor, Clock& clock, Settings settings)
    : executor_(executor), clock_(clock), settings_(std::move(settings)), asked_(executor) {}

asio::awaitable<proto::Result<Resolver::Addresses>> Resolver::resolve(std::string host) {
  boost::system::error_code not_literal;
  const auto literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return Addresses(1, literal);
  // Whoever asks for a name that is being asked for waits, and takes what comes, which may be
  // nothing to keep; if the other is cancelled, the next one asks.
  for (;;) {
    if (const Addresses* known = recall(host)) co_return *known;
    const auto asking = asking_.find(host);
    if (asking == asking_.end()) break;
    const auto asked = asking->second;
    const bool fresh = asked->generation == generation_;
    co_await asked_.wait();
    if (fresh && asked->answer) co_return *asked->answer;
  }
  co_return co_await look_up(std::move(host));
}

asio::awaitable<proto::Result<Resolver::Addresses>> Resolver::look_up(std::string host) {
  const Question question(*this, host);
  Asked& asked = question.asked();
  Lookup lookup(executor_, clock_, joined(settings_.name_servers));
  const auto found = co_await lookup.run(host);
  if (!found) {
    asked.answer = found.error();
    co_return found.error();
  }
  asked.answer = found->addresses;
  if (asked.generation == generation_)
    learn(host, {found->addresses, clock_.wall_now(), found->lifetime});
  co_return found->addresses;
}

const Resolver::Addresses* Resolver::recall(const std::string& host) {
  const auto known = learnt_.find(host);
  if (known == learnt_.end()) return nullptr;
  Answer& answer = known->second;
  const WallTime now = clock_.wall_now();
  // A clock that stepped back begins the lifetime anew, once.
  answer.since = std::min(answer.since, now);
  if (remaining(answer.since, answer.lifetime, now).count() == 0) return nullptr;
  return &answer.addresses;
}

void Resolver::learn(const std::string& host, Answer answer) {
  if (learnt_.size() >= kMostNames && !learnt_.contains(host)) {
    learnt_.erase(std::min_element(
        learnt_.begin(), learnt_.end(),
        [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  }
  learnt_[host] = std::move(answer);
}

}  // namespace relay
