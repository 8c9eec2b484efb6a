#include "relay/resolver.hpp"

#include <algorithm>
#include <utility>

#include <boost/system/error_code.hpp>

#include "relay/lookup.hpp"

namespace relay {
namespace {

/// Marks a name as being asked for as long as it lives, cancelled or not.
class Asking {
 public:
  Asking(std::set<std::string>& names, std::string name, Wakeup& done)
      : names_(names), name_(std::move(name)), done_(done) {
    names_.insert(name_);
  }

  ~Asking() {
    names_.erase(name_);
    done_.notify();
  }

  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

 private:
  std::set<std::string>& names_;
  std::string name_;
  Wakeup& done_;
};

std::string joined(const std::vector<std::string>& name_servers) {
  std::string all;
  for (const std::string& name_server : name_servers) all += (all.empty() ? "" : ",") + name_server;
  return all;
}

}  // namespace

Resolver::Resolver(asio::any_io_executor executor, Clock& clock, Settings settings)
    : executor_(executor), clock_(clock), settings_(std::move(settings)), asked_(executor) {}

asio::awaitable<proto::Result<Resolver::Addresses>> Resolver::resolve(std::string host) {
  boost::system::error_code not_literal;
  const auto literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return Addresses(1, literal);
  // Whoever asks for a name that is being asked for waits; if the other is cancelled, the next one
  // asks.
  for (;;) {
    if (const Addresses* known = recall(host)) co_return *known;
    if (!asking_.contains(host)) break;
    co_await asked_.wait();
  }
  co_return co_await look_up(std::move(host));
}

asio::awaitable<proto::Result<Resolver::Addresses>> Resolver::look_up(std::string host) {
  const Asking asking(asking_, host, asked_);
  const std::uint64_t generation = generation_;
  Lookup lookup(executor_, clock_, joined(settings_.name_servers));
  auto found = co_await lookup.run(host);
  if (!found) co_return found.error();
  if (generation == generation_)
    learn(host, {found->addresses, clock_.wall_now(), found->lifetime});
  co_return std::move(found->addresses);
}

const Resolver::Addresses* Resolver::recall(const std::string& host) const {
  const auto known = learnt_.find(host);
  if (known == learnt_.end()) return nullptr;
  const Answer& answer = known->second;
  if (remaining(answer.since, answer.lifetime, clock_.wall_now()).count() == 0) return nullptr;
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
