#include "tests/sandbox/run.hpp"

#include <csignal>
#include <exception>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/sandbox/certificate.hpp"

namespace sandbox {

using namespace std::chrono_literals;

namespace {

constexpr auto kAwakeBeforeKill = 500ms;
/// What is on the way when the environment ends still arrives, if the upstream is not slower than
/// this.
constexpr auto kLastArrivals = 2s;

TaskGroup::OnFailure to_problem(Recorder& recorder) {
  return [&recorder](const std::exception_ptr& failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& error) {
      recorder.problem(std::string("sandbox: ") + error.what());
    }
  };
}

}  // namespace

Run::Run(asio::io_context& io, const Options& options, Recorder& recorder)
    : io_(io),
      options_(options),
      recorder_(recorder),
      tasks_(io.get_executor(), to_problem(recorder)),
      script_(io.get_executor(), to_problem(recorder)),
      changed_(io),
      frost_(io),
      directory_(options.isolation.user),
      reserved_port_(io),
      processes_(io, tasks_, recorder, options.pipes),
      extensions_(changed_, recorder, options.facts, options.register_answer, options.next_answer),
      runtime_(changed_, recorder, options.facts),
      telemetry_(io, frost_, recorder, extensions_, options.telemetry),
      server_(io, tasks_, extensions_, runtime_, telemetry_),
      road_(io, tasks_, frost_, recorder.upstream, options.road),
      signals_(io, SIGINT, SIGTERM) {
  recorder_.on_function_line = [this](std::string_view line) { telemetry_.function_line(line); };
}

bool Run::make_upstream() {
  if (!directory_.ok()) {
    recorder_.problem("no directory could be made under /tmp");
    return false;
  }
  if (!options_.capture) return true;
  std::unique_ptr<asio::ssl::context> tls;
  if (options_.tls) tls = make_tls(directory_.ca(), options_.tls_resumes);
  if (options_.tls && !tls) {
    recorder_.problem("no certificate could be made");
    return false;
  }
  capture_ =
      std::make_unique<Capture>(io_, tasks_, road_, recorder_, options_.faults, std::move(tls));
  capture_->start();
  return true;
}

Placeholders Run::placeholders() const {
  Placeholders result{{"port", std::to_string(reserved_port_.number())},
                      {"tmp", directory_.tmp()},
                      {"ca", directory_.ca()}};
  if (capture_) {
    result["upstream"] = "127.0.0.1:" + std::to_string(capture_->port());
    result["upstream_port"] = std::to_string(capture_->port());
  }
  return result;
}

bool Run::make_environment() {
  const std::string api = "127.0.0.1:" + std::to_string(server_.port());
  const Placeholders values = placeholders();
  std::vector<Command> commands;
  commands.reserve(options_.extensions.size() + 1);
  for (const auto& path : options_.extensions)
    commands.push_back(extension_command(options_, path, values, api));
  commands.push_back(function_command(options_, values, api));
  isolation_ = std::make_unique<Isolation>(options_.isolation, directory_.path(), directory_.tmp(),
                                           commands, recorder_);
  if (!isolation_->enough()) return false;
  const OomVictim victim = options_.oom_victim;
  for (auto& command : commands) {
    command.confinement = &isolation_->confinement();
    if (isolation_->memory() != nullptr && victim != OomVictim::largest)
      command.dies_first = command.is_function == (victim == OomVictim::function);
  }
  Command function = std::move(commands.back());
  commands.pop_back();
  OutsideWorld outside{[this] { road_.frozen(); }, [] {}, [this] { road_.cut_all(); }};
  const Environment::Parts parts{
      io_,         changed_, frost_,     recorder_,      processes_,
      extensions_, runtime_, telemetry_, options_.facts, isolation_->memory()};
  environment_ = std::make_unique<Environment>(parts, std::move(function), std::move(commands),
                                               std::move(outside));
  return true;
}

asio::awaitable<int> Run::play() {
  if (!make_upstream() || !make_environment()) {
    if (capture_) co_await capture_->finish(std::chrono::steady_clock::now());
    tasks_.stop();
    co_await tasks_.join();
    co_return 1;
  }
  tasks_.spawn(processes_.reap());
  tasks_.spawn(watch_signals());
  server_.start();
  script_.spawn(play_script());
  co_await script_.join();
  co_await take_down();
  if (interrupted_) co_return 130;
  co_return environment_->launch_failed() ? 1 : 0;
}

asio::awaitable<void> Run::watch_signals() {
  boost::system::error_code failed;
  co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
  if (failed) co_return;
  interrupted_ = true;
  recorder_.problem("ended by a signal");
  script_.stop();
}

asio::awaitable<void> Run::play_script() {
  for (std::size_t i = 0; i < options_.script.size(); ++i) {
    const bool invoke_follows =
        i + 1 < options_.script.size() && options_.script[i + 1].kind == StepKind::invoke;
    co_await play_step(options_.script[i], invoke_follows);
    if (environment_->hopeless()) co_return;
  }
}

asio::awaitable<void> Run::play_step(const Step& step, bool invoke_follows) {
  if (step.kind != StepKind::spindown) co_await renew_tmp();
  switch (step.kind) {
    case StepKind::init:
      co_await environment_->prepare();
      environment_->freeze();
      break;
    case StepKind::invoke:
      co_return co_await invokes(step, invoke_follows);
    case StepKind::burst: {
      std::vector<std::string> events(step.times);
      for (auto& event : events) event = next_event();
      co_await environment_->burst(std::move(events));
      break;
    }
    case StepKind::freeze:
      co_await environment_->prepare();
      environment_->freeze();
      if (!options_.facts.managed())
        co_await sleep_for(io_, step.length);
      else
        co_await environment_->rest(step.length);
      break;
    case StepKind::thaw:
      co_await environment_->prepare();
      co_await environment_->rest(step.length);
      environment_->freeze();
      break;
    case StepKind::rest:
      co_await environment_->prepare();
      co_await environment_->rest(step.length);
      break;
    case StepKind::restore:
      co_await environment_->restore(step.length);
      break;
    case StepKind::kill:
      co_await environment_->prepare();
      co_await environment_->rest(kAwakeBeforeKill);
      co_await environment_->destroy();
      break;
    case StepKind::spindown:
      co_await environment_->spindown();
      tmp_is_stale_ = true;
      break;
    case StepKind::drop_next:
      co_await environment_->prepare();
      environment_->drop_next();
      break;
  }
  after_invoke_ = false;
}

asio::awaitable<void> Run::renew_tmp() {
  if (options_.facts.managed()) {
    // AWS docs, "Understanding the Lambda Managed Instances execution environment": an environment
    // that failed is replaced, not reset.
    co_await environment_->rest(0ms);
    if (!environment_->ready()) tmp_is_stale_ = true;
  }
  if (!std::exchange(tmp_is_stale_, false)) co_return;
  if (!isolation_->renew_tmp()) directory_.empty_tmp();
}

std::string Run::next_event() {
  return fill_in(options_.events[next_event_++ % options_.events.size()], placeholders());
}

asio::awaitable<void> Run::invokes(const Step& step, bool invoke_follows) {
  for (unsigned i = 0; i < step.times && !environment_->hopeless(); ++i) {
    if (std::exchange(after_invoke_, true) && options_.gap.count() > 0)
      co_await sleep_for(io_, options_.gap);
    const bool event_pending = options_.gap.count() == 0 && (i + 1 < step.times || invoke_follows);
    co_await renew_tmp();
    std::string event = next_event();
    co_await environment_->invoke(std::move(event), !event_pending);
  }
}

asio::awaitable<void> Run::take_down() {
  using Clock = std::chrono::steady_clock;
  co_await environment_->destroy();
  if (capture_) co_await capture_->finish(Clock::now() + options_.road.round_trip + kLastArrivals);
  telemetry_.stop();
  co_await telemetry_.join();
  // The last lines of processes that have ended are in their pipes.
  co_await sleep_for(io_, 20ms);
  tasks_.stop();
  co_await tasks_.join();
}

}  // namespace sandbox
