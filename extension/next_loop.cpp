#include "extension/next_loop.hpp"

#include <exception>
#include <string>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>
#include <poll.h>

#include "relay/task_group.hpp"

namespace extension {
namespace {

using relay::LogLevel;
using relay::milliseconds;

// The platform does not notice that a pending next has lost its connection: it writes the next
// INVOKE to the dead one and refuses every other call meanwhile ("State transition from Ready to
// Ready failed"). The first call accepted after that completes the lost invoke, so its length is
// the pause between two calls (aws/aws-lambda-runtime-interface-emulator:
// internal/lambda/core/externalagent_states.go).
constexpr milliseconds kSoon{100};
// Other refusals do not heal by asking often.
constexpr milliseconds kLater{1000};

std::string describe(const Refused& refused) {
  return std::to_string(refused.status) + " " + refused.error.type + " " + refused.error.message;
}

milliseconds pause_after(const Refused& refused) {
  const bool pending =
      refused.status == 403 && refused.error.message.find("Ready to Ready") != std::string::npos;
  return pending ? kSoon : kLater;
}

std::string describe(const Reply<proto::Registration>& failed) {
  if (!failed) return failed.error().message();
  return describe(std::get<Refused>(*failed));
}

// INVOKE is not granted on Managed Instances (AWS docs, "Understanding the Lambda Managed Instances
// execution environment").
bool denies_invoke(const Reply<proto::Registration>& failed) {
  const auto* refused = failed ? std::get_if<Refused>(&*failed) : nullptr;
  return refused != nullptr && refused->status == 403 &&
         refused->error.type == "Extension.InvalidEventType" && !names_no_file(*refused);
}

// Says once, whatever happens, that something unforeseen did.
void say_survived(relay::Log& log, const std::exception_ptr& failure) noexcept {
  try {
    log.once("unforeseen", LogLevel::error,
             "survived an internal error (" + relay::describe(failure) +
                 "); events may be late. Please report it with this line.");
  } catch (...) {
    return;  // No memory for the line: there is nothing left to say it with.
  }
}

// Asks once; false: not registered. `wanted.events` becomes what to ask for the next time.
asio::awaitable<bool> try_register(Platform platform, Registered& wanted) {
  try {
    auto reply = co_await platform.api.register_for(wanted.events);
    if (reply && std::holds_alternative<proto::Registration>(*reply)) {
      wanted.registration = std::get<proto::Registration>(std::move(*reply));
      co_return true;
    }
    if (!reply && reply.error() == asio::error::operation_aborted) co_return false;
    if (wanted.events == Events::invoke_and_shutdown && denies_invoke(reply)) {
      wanted.events = Events::shutdown_only;
      co_return co_await try_register(platform, wanted);
    }
    wanted.events = platform.events;
    platform.log.once(
        "register", LogLevel::error,
        "cannot register with the Extensions API (" + describe(reply) +
            "); trying on. The file in /opt/extensions and THAW_EXTENSION_NAME must agree.");
  } catch (...) {
    survive(platform.log);
  }
  co_return false;
}

// Asks once; an event, or how long to pause before asking again.
asio::awaitable<std::variant<proto::LambdaEvent, milliseconds>> try_next(Platform platform) {
  try {
    auto reply = co_await platform.api.next();
    if (!reply) {
      if (reply.error() == asio::error::operation_aborted) co_return kSoon;
      platform.log.once(
          "next", LogLevel::warn,
          "asking for the next event failed (" + reply.error().message() + "); asking on");
      co_return kSoon;
    }
    if (auto* event = std::get_if<proto::LambdaEvent>(&*reply)) co_return std::move(*event);
    const auto& refused = std::get<Refused>(*reply);
    platform.log.once("next refused", LogLevel::error,
                      "the platform refuses the next event (" + describe(refused) + "); asking on");
    co_return pause_after(refused);
  } catch (...) {
    survive(platform.log);
  }
  co_return kSoon;
}

}  // namespace

asio::awaitable<Registered> register_for_ever(Platform platform) {
  Registered registered{platform.events, {}};
  while (!co_await try_register(platform, registered)) {
    ++platform.retries;
    co_await platform.clock.sleep_until(platform.clock.now() + kSoon);
  }
  co_return registered;
}

asio::awaitable<proto::LambdaEvent> next_event(Platform platform) {
  for (;;) {
    auto outcome = co_await try_next(platform);
    if (auto* event = std::get_if<proto::LambdaEvent>(&outcome)) co_return std::move(*event);
    ++platform.retries;
    co_await platform.clock.sleep_until(platform.clock.now() + std::get<milliseconds>(outcome));
  }
}

asio::awaitable<void> next_loop(Platform platform) {
  if (!platform.api.registered()) co_await register_for_ever(platform);
  for (;;) {
    const auto event = co_await next_event(platform);
    if (std::holds_alternative<proto::ShutdownEvent>(event)) co_return;
  }
}

bool hold_out(asio::io_context& io, asio::awaitable<void> life, Platform platform) {
  enum class State { idle, running, ended };
  State state = State::idle;
  bool bare = false;
  const auto start = [&](asio::awaitable<void> task) {
    asio::co_spawn(io, std::move(task), [&](const std::exception_ptr& failure) {
      state = failure ? State::idle : State::ended;
      if (failure) say_survived(platform.log, failure);
      io.stop();
    });
    state = State::running;  // It cannot have ended: nothing of it happens before run().
  };
  start(std::move(life));
  while (state != State::ended) {
    try {
      if (state == State::idle) {
        bare = true;
        // A moment, so that trouble that comes back at once does not take the function's CPU.
        ::poll(nullptr, 0, static_cast<int>(kSoon.count()));
        start(next_loop(platform));
      }
      io.restart();
      io.run();
      // Out of work without an end: the task never began, or was lost.
      if (state == State::running) state = State::idle;
    } catch (...) {
      say_survived(platform.log, std::current_exception());
    }
  }
  return !bare;
}

void survive(relay::Log& log) {
  try {
    throw;
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) throw;
    say_survived(log, std::current_exception());
  } catch (...) {
    say_survived(log, std::current_exception());
  }
}

}  // namespace extension
