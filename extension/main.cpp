// The composition root: the only reader of the environment, the only place where the parts meet.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "extension/allocator.hpp"
#include "extension/commands/capture.hpp"
#include "extension/commands/check.hpp"
#include "extension/commands/serve.hpp"
#include "extension/commands/stats.hpp"
#include "extension/failure_reports.hpp"
#include "extension/lifecycle.hpp"
#include "extension/random.hpp"
#include "extension/ready_file.hpp"
#include "extension/settings.hpp"
#include "extension/stand_by.hpp"
#include "extension/start.hpp"
#include "extension/telemetry_listener.hpp"
#include "proto/json_kernel.hpp"
#include "relay/capture_upstream.hpp"
#include "relay/disk.hpp"
#include "relay/spool_journal.hpp"

namespace extension {
namespace {

// The relay and its road to Sentry; or what stands `instead` of that, and outlives it.
struct Relaying {
  Relaying(const asio::any_io_executor& executor, const Platform& platform,
           const Settings& settings, HostStats& stats, relay::Upstream* instead = nullptr)
      : upstream(executor, platform.clock, platform.log, settings.upstream),
        spool({settings.spool_dir, settings.spool_bytes,
               settings.relay.intake.max_decoded_bytes + relay::kMiB},
              disk, platform.clock, platform.log),
        core(executor, platform.clock, platform.log, instead == nullptr ? upstream : *instead,
             journal(settings.journal), settings.relay, random_bits) {
    core.set_host_figures([&stats] { return figures_of(stats); });
  }

  relay::Journal& journal(bool wanted) {
    if (wanted) return spool;
    return none;
  }

  relay::HttpUpstream upstream;
  relay::SystemDisk disk;
  relay::SpoolJournal spool;
  relay::NoJournal none;
  relay::Relay core;
  RealRelay port{core, upstream};
};

// What Lambda starts: the relay, and the life the platform dictates. Nothing begins before run().
struct Extension {
  Extension(const asio::any_io_executor& executor, const Platform& platform,
            const Settings& settings, HostStats& stats)
      : relaying(executor, platform, settings, stats),
        telemetry(executor, platform.clock, platform.log, stats.telemetry_posts, random_name(),
                  [this](const auto& record, auto sender) { lifecycle.heard(record, sender); }),
        failures({settings.report_failures, settings.journal ? settings.spool_dir : "",
                  settings.function, settings.failure_log_lines},
                 {relaying.port, platform.clock, platform.log, stats, relaying.disk, random_bits}),
        lifecycle(executor, platform, relaying.port, failures, stats,
                  {settings.pace, settings.spool_dir, settings.function.initialization_type,
                   settings.report_failures && settings.failure_log_lines > 0, settings.emf,
                   settings.function.name}),
        sigterm(executor, SIGTERM) {}

  asio::awaitable<void> run(bool with_telemetry) {
    sigterm.async_wait([this](const boost::system::error_code& cancelled, int) {
      if (!cancelled) lifecycle.terminate();
    });
    std::string uri = with_telemetry ? telemetry.open("/etc/hosts") : "";
    co_await lifecycle.run(std::move(uri));
    co_await telemetry.stop();
  }

  Relaying relaying;
  TelemetryListener telemetry;
  FailureReports failures;
  Lifecycle lifecycle;
  asio::signal_set sigterm;
};

// Returns only after SHUTDOWN or SIGTERM.
void live(asio::io_context& io, const Platform& platform, const Settings& settings,
          HostStats& stats) {
  remove_ready_file(settings.spool_dir);
  std::optional<Extension> parts;
  std::optional<Relaying> disabled;
  std::optional<asio::awaitable<void>> life;
  try {
    if (stats.disabled) {
      disabled.emplace(io.get_executor(), platform, settings, stats);
      life = stand_by(io, platform, disabled->port);
    } else {
      parts.emplace(io.get_executor(), platform, settings, stats);
      life = parts->run(settings.telemetry);
    }
  } catch (...) {
    survive(platform.log);
    life = next_loop(platform);
  }
  // After a failure the parts still have tasks on `io`: they must not be taken down.
  if (!hold_out(io, std::move(*life), platform)) std::_Exit(EXIT_SUCCESS);
}

// Waits for whoever reads the terminal: what is not shown would be lost.
void print_captured(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void capture(asio::io_context& io, const Platform& platform, const Start& start, HostStats& stats) {
  const CaptureOptions& options = *start.capture;
  relay::Capture captured({}, [&options](const relay::Captured& envelope) {
    print_captured(captured_text(envelope, options));
  });
  relay::CaptureUpstream upstream(captured, platform.clock);
  Relaying relaying(io.get_executor(), platform, start.reading.settings, stats, &upstream);
  relaying.core.show(captured);
  serve(io, relaying.port, platform.clock, platform.log,
        {capture_greeting, [&captured] { return "thaw: " + captured_summary(captured); }});
}

int run(const Start& start) {
  const Settings& settings = start.reading.settings;
  // What may wait in memory is taken from the function anyway.
  set_allocator(settings.relay.backlog.max_bytes);
  asio::io_context io{1};
  relay::SystemClock clock(io.get_executor());
  if (start.how == Start::How::check) return check(io, clock, start.reading);
  // What is captured has the standard output to itself.
  relay::FdLogSink sink(start.capture ? STDERR_FILENO : STDOUT_FILENO);
  relay::Log log(settings.log, sink, clock);
  for (const auto& complaint : start.reading.complaints) {
    log.line(relay::LogLevel::warn, to_string(complaint));
  }
  HostStats stats;
  stats.settings = start.reading.in_effect;
  stats.disabled = settings.relay.intake.disabled;
  if (stats.disabled) log.line(relay::LogLevel::warn, kDisabledText);
  HttpExtensionsApi api(io.get_executor(), clock, settings.runtime_api, start.name,
                        start.file_name);
  const Platform platform{api, clock, log, stats.platform_retries,
                          stats.disabled ? Events::shutdown_only : Events::invoke_and_shutdown};
  if (start.how == Start::How::extension) {
    live(io, platform, settings, stats);
  } else if (start.capture) {
    capture(io, platform, start, stats);
  } else {
    Relaying relaying(io.get_executor(), platform, settings, stats);
    const auto greeting = [&settings](std::uint16_t port) {
      return serve_greeting(settings.relay.route.configured, port);
    };
    serve(io, relaying.port, clock, log, {greeting, {}});
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace extension

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  proto::choose_json_kernel();
  const bool beside_sentry = ::access(extension::kSentryExtension, F_OK) == 0;
  const auto start =
      extension::read_start(argc, argv, extension::to_environment(environ), beside_sentry);
  if (start.how == extension::Start::How::print) {
    std::fputs(start.text.c_str(), start.exit_code == 0 ? stdout : stderr);
    return start.exit_code;
  }
  if (start.how == extension::Start::How::stats) return extension::stats(start.stats);
  for (;;) {
    try {
      return extension::run(start);
    } catch (const std::exception& failure) {
      std::fprintf(stderr, "thaw: cannot start (%s)\n", failure.what());
      if (start.how == extension::Start::How::check) return EXIT_FAILURE;
      // Not even the bare loop could begin, as without descriptors; ending would fail every invoke.
      ::poll(nullptr, 0, 1000);
    }
  }
}
