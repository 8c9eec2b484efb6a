// Local HTTP: one coroutine a connection, every size and wait bounded. Reads a request whole, hands
// it over, writes the answer. An idle SDK connection may stay for ever: some SDKs lose the event
// they would send on a connection that was closed meanwhile (getsentry/sentry-python issue #4311).
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "relay/clock.hpp"
#include "relay/http_text.hpp"
#include "relay/log.hpp"
#include "relay/outcome.hpp"
#include "relay/receive_room.hpp"
#include "relay/request_reader.hpp"
#include "relay/settings.hpp"
#include "relay/task_group.hpp"
#include "relay/wakeup.hpp"

namespace relay {

class Listener {
 public:
  /// What the listener tells its owner. None of them may throw or wait.
  struct Hooks {
    /// Of a complete request: false, it needs more turns of the loop, one a call; true, answer()
    /// it.
    std::function<bool(LocalRequest&)> ready = [](LocalRequest&) { return true; };
    std::function<Answer(LocalRequest&&)> answer;    ///< a complete request
    std::function<void()> first_byte;                ///< of a request, after a pause
    std::function<void(RejectReason)> unanswerable;  ///< a request that never became complete
    std::function<void()> changed;                   ///< receiving() or last_activity() did
    std::function<void(std::exception_ptr)> failed;  ///< a task ended with an exception
  };

  Listener(asio::any_io_executor executor, Clock& clock, Log& log, ListenerSettings settings,
           Hooks hooks);

  /// See Relay::bind.
  std::uint16_t bind();
  void retry_bind();

  [[nodiscard]] std::uint16_t port() const { return port_; }

  void start();

  /// No new connection; those in the middle of a request may finish it.
  void close();

  void stop() { tasks_.stop(); }

  [[nodiscard]] asio::awaitable<void> join() { return tasks_.join(); }

  /// Requests begun and not yet answered.
  [[nodiscard]] std::size_t receiving() const { return receiving_; }

  [[nodiscard]] std::size_t clients() const { return clients_.size(); }

  [[nodiscard]] std::optional<SteadyTime> last_activity() const { return last_activity_; }

 private:
  using tcp = asio::ip::tcp;

  /// A small event whole, of a larger one the header and the body's begin.
  static constexpr std::size_t kFirstRead = 2UL * 1024;

  struct Client {
    explicit Client(tcp::socket accepted) : socket(std::move(accepted)) {}

    tcp::socket socket;
    std::array<char, kFirstRead> first{};  ///< where it waits for more
    bool receiving = false;
    bool timed_out = false;
    SteadyTime idle_since{};
    milliseconds awake{0};  ///< spent on the request at hand
  };

  using Clients = std::list<Client>;
  static constexpr std::size_t kReadAhead = 16UL * 1024;
  struct Input;
  struct Incoming;
  class Receiving;  ///< counts a request as long as it lives
  class Leaving;    ///< takes the client off the list when its coroutine ends

  /// Why it does not listen there.
  boost::system::error_code listen(const tcp::endpoint& endpoint);
  void spawn_accept(tcp::acceptor& acceptor);
  asio::awaitable<void> accept(tcp::acceptor& acceptor);
  asio::awaitable<void> make_place(tcp::acceptor& acceptor);
  asio::awaitable<void> serve(Clients::iterator place, std::unique_ptr<Leaving> leaving);
  /// What comes next on a connection.
  enum class Then { answer, next_request, close, linger };
  /// Of a request that is not complete, or refused already with `ec`, or takes turns of the loop.
  asio::awaitable<Then> get_ready(Client& client, Input& input, Incoming& incoming,
                                  boost::system::error_code ec);
  /// Returns what of the answer does not fit the socket; of nearly every one nothing.
  std::string answer_at_once(Client& client, RequestReader& reader, Then& then);
  /// Sends the `rest` of an answer; what has come behind its request waits for another turn.
  asio::awaitable<Then> leave_turn(Client& client, Input& input, std::string_view rest, Then then);
  /// Waits for more, and reads the first bytes of what has come.
  asio::awaitable<boost::system::error_code> read_more(Client& client, Input& input);
  /// Uses what was read, and reads on as far as that goes without a wait: a body straight to its
  /// place.
  boost::system::error_code take_in(Client& client, Input& input, Incoming& incoming);
  asio::awaitable<boost::system::error_code> tell_to_go_on(Client& client, Input& input,
                                                           Incoming& incoming);
  /// The rest of a request that has not come whole.
  asio::awaitable<boost::system::error_code> receive(Client& client, Input& input,
                                                     Incoming& incoming);
  /// True: the client may still be writing, and is to read why it was refused.
  asio::awaitable<bool> refuse(Client& client, Input& input, boost::system::error_code why,
                               bool tunnel);
  asio::awaitable<boost::system::error_code> write(Client& client, Input& input,
                                                   std::string_view wire);
  asio::awaitable<void> linger(Client& client);
  asio::awaitable<void> discard(Client& client);
  asio::awaitable<void> sweep();

  /// All places are taken; who has been closed and is about to leave has none.
  [[nodiscard]] bool full() const;
  Clients::iterator longest_idle();
  /// False if none is idle.
  bool close_longest_idle();
  /// Now.
  SteadyTime touched();

  asio::any_io_executor executor_;
  Clock& clock_;
  Log& log_;
  ListenerSettings settings_;
  Hooks hooks_;
  std::list<tcp::acceptor> acceptors_;
  std::uint16_t port_ = 0;
  bool started_ = false;
  Clients clients_;
  std::size_t receiving_ = 0;
  std::optional<SteadyTime> last_activity_;
  Wakeup someone_receives_;  ///< and waits: one that has come whole has no time to be late
  Wakeup place_;             ///< somebody left or became idle
  ReceiveRoom room_;
  /// What is read at once behind a client's first bytes; until the reader's next wait.
  std::array<char, kReadAhead> scratch_;
  std::unique_ptr<RequestReader> spare_reader_;  ///< of a request that is answered
  std::string wire_;                             ///< the answer that is being sent
  TaskGroup tasks_;
};

}  // namespace relay
