#include "extension/settings_rows.hpp"

#include <array>
#include <cstddef>
#include <utility>

#include "extension/function_log.hpp"

namespace extension {
namespace {

using relay::milliseconds;

constexpr std::array<std::pair<std::string_view, bool>, 2> kOnOff{{{"on", true}, {"off", false}}};

template <class Value, std::size_t N>
bool choose(Value& into, std::string_view word,
            const std::array<std::pair<std::string_view, Value>, N>& words) {
  for (const auto& [name, value] : words) {
    if (name == word) {
      into = value;
      return true;
    }
  }
  return false;
}

bool take_pace(Settings& settings, std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, Pace>, 4> kWords{
      {{"prompt", Pace::prompt},
       {"overlap", Pace::overlap},
       {"adaptive", Pace::adaptive},
       {"continuous", Pace::continuous}}};
  return choose(settings.pace.pace, word, kWords);
}

bool take_compression(Settings& settings, std::string_view word) {
  using relay::Compression;
  static constexpr std::array<std::pair<std::string_view, Compression>, 3> kWords{
      {{"zstd", Compression::zstd}, {"gzip", Compression::gzip}, {"none", Compression::none}}};
  return choose(settings.relay.delivery.compression, word, kWords);
}

bool take_log_level(Settings& settings, std::string_view word) {
  using relay::LogLevel;
  static constexpr std::array<std::pair<std::string_view, LogLevel>, 4> kWords{
      {{"error", LogLevel::error},
       {"warn", LogLevel::warn},
       {"info", LogLevel::info},
       {"debug", LogLevel::debug}}};
  return choose(settings.log.level, word, kWords);
}

bool take_journal(Settings& settings, std::string_view word) {
  return choose(settings.journal, word, kOnOff);
}

bool take_telemetry(Settings& settings, std::string_view word) {
  return choose(settings.telemetry, word, kOnOff);
}

void take_spool_dir(Settings& settings, std::string_view value,
                    std::vector<Complaint>& complaints) {
  if (value.starts_with('/')) {
    settings.spool_dir = value;
  } else {
    complaints.push_back(
        {"THAW_SPOOL_DIR", "is not an absolute path", "using " + settings.spool_dir});
  }
}

void take_max_body(Settings& settings, std::int64_t mib) {
  settings.relay.listener.max_body_bytes = static_cast<std::size_t>(mib) * relay::kMiB;
  settings.relay.intake.max_decoded_bytes = 2 * settings.relay.listener.max_body_bytes;
}

void take_budget(Settings& settings, std::int64_t ms) {
  settings.pace.budget = milliseconds{ms};
  settings.relay.delivery.budget = milliseconds{ms};
}

constexpr std::string_view kNone = "";

// A limit above which a number is a typing error rather than a wish; reasons where they are not
// plain.
constexpr SettingRow kRows[] = {
    /// If it is taken, a free one, said in the log. 9000 is left to Sentry's own extension where
    /// that is installed: then 9797.
    {.info = {"THAW_PORT", "9797", kNone, 0, 65535, kNone,
              "the listener on 127.0.0.1 and, if there, ::1; 0: any free port"},
     .number = [](Settings& s,
                  std::int64_t n) { s.relay.listener.port = static_cast<std::uint16_t>(n); }},
    /// A request whose key and project equal one of them goes there.
    {.info = {"THAW_UPSTREAM_DSN", kNone, kNone, 0, 0, kNone,
              "where envelopes go: DSNs, separated by commas"},
     .text = take_upstream_dsns},
    {.info = {"SENTRY_DSN", kNone, kNone, 0, 0, kNone,
              "one more of them, unless it names Thaw itself"},
     .text = take_sentry_dsn},
    /// Others get `403`.
    {.info = {"THAW_ALLOWED_HOSTS", kNone, kNone, 0, 0, kNone,
              "further hosts a request may name: host, host:port, .suffix, http://host:port"},
     .text = take_allowed_hosts},
    /// See "What it costs".
    {.info = {"THAW_PACE", "adaptive", kNone, 0, 0, "prompt, overlap, adaptive, continuous",
              "when the next event is asked for"},
     .choice = take_pace},
    // A function may last 900 s, so may a hold.
    {.info = {"THAW_BUDGET_MS", "1000", "ms", 0, 900'000, kNone,
              "longest hold: from the end of the function to asking for the next event"},
     .number = take_budget},
    {.info = {"THAW_QUIET_MS", "20", "ms", 0, 60'000, kNone,
              "without telemetry: silence that means the function has ended"},
     .number = [](Settings& s, std::int64_t n) { s.pace.quiet = milliseconds{n}; }},
    {.info = {"THAW_SOON_MS", "2000", "ms", 0, 900'000, kNone,
              "mean gap between invokes up to which the next one may take data along"},
     .number = [](Settings& s, std::int64_t n) { s.pace.soon = milliseconds{n}; }},
    {.info = {"THAW_LATE_MS", "250", "ms", 0, 60'000, kNone,
              "awake time after which an envelope is sent although a freeze may come"},
     .number = [](Settings& s, std::int64_t n) { s.relay.delivery.late = milliseconds{n}; }},
    {.info = {"THAW_PROBE_MS", "500", "ms", 0, 900'000, kNone,
              "longest hold where only upstream hosts that do not answer are asked again"},
     .number = [](Settings& s, std::int64_t n) { s.pace.probe = milliseconds{n}; }},
    /// A failure is no answer, or 502 to 504; any other answer ends it.
    {.info = {"THAW_BREAKER_FAILURES", "3", kNone, 1, 1000, kNone,
              "so many failures in a row, and an upstream host is asked with one request at a "
              "time, 1 s to a minute apart"},
     .number =
         [](Settings& s, std::int64_t n) {
           s.relay.delivery.breaker_failures = static_cast<unsigned>(n);
         }},
    {.info = {"THAW_TELEMETRY", "on", kNone, 0, 0, "on, off",
              "subscribe to the platform's telemetry, to learn when the function has ended"},
     .choice = take_telemetry},
    /// What goes is counted `queue_overflow`. As much again while they are received, and while they
    /// are sent: there they wait; one may always pass, and received each client's fair share.
    // A function has at most 10240 MB.
    {.info = {"THAW_MEMORY_MIB", "2 % of the function's memory, 2 to 16", "MiB", 1, 10'240, kNone,
              "bodies in memory; above it in files only, without a journal the least urgent, "
              "oldest go"},
     .number =
         [](Settings& s, std::int64_t n) {
           s.relay.backlog.max_bytes = static_cast<std::size_t>(n) * relay::kMiB;
         }},
    /// They are counted `queue_overflow`; where none is less urgent than what comes, that gets
    /// `503`.
    {.info = {"THAW_MAX_WAITING", "10000", kNone, 1, 1'000'000, kNone,
              "envelopes that wait; above it the least urgent, oldest go first"},
     .number = [](Settings& s,
                  std::int64_t n) { s.relay.backlog.max_waiting = static_cast<std::size_t>(n); }},
    {.info =
         {"THAW_MAX_BODY_MIB", "20", "MiB", 1, 1024, kNone,
          "largest request body as it comes, twice that decoded; at most 1/32 of the function's "
          "memory, 1/8 if set; what is larger gets 413"},
     .number = take_max_body},
    /// If none is idle the next one waits.
    // Lambda allows 1024 open files.
    {.info = {"THAW_MAX_CLIENTS", "128", kNone, 1, 900, kNone,
              "local connections; at one more the longest idle is closed"},
     .number = [](Settings& s,
                  std::int64_t n) { s.relay.listener.max_clients = static_cast<std::size_t>(n); }},
    {.info = {"THAW_READ_MS", "10000", "ms", 100, 900'000, kNone,
              "longest time to receive one local request, freezes not counted; then 408"},
     .number = [](Settings& s, std::int64_t n) { s.relay.listener.read = milliseconds{n}; }},
    /// Opened as so many envelopes wait.
    {.info = {"THAW_CONNECTIONS", "16", kNone, 1, 64, kNone, "connections to one upstream host"},
     .number = [](Settings& s,
                  std::int64_t n) { s.relay.delivery.connections = static_cast<std::size_t>(n); }},
    {.info = {"THAW_CONNECT_MS", "1500", "ms", 50, 60'000, kNone,
              "longest time to find, connect to and shake hands with an upstream host"},
     .number = [](Settings& s, std::int64_t n) { s.upstream.connect = milliseconds{n}; }},
    {.info = {"THAW_REQUEST_MS", "5000", "ms", 100, 900'000, kNone,
              "longest time for one whole upstream request"},
     .number = [](Settings& s, std::int64_t n) { s.relay.delivery.request = milliseconds{n}; }},
    {.info = {"THAW_REUSE_MS", "5000", "ms", 0, 900'000, kNone,
              "idle age up to which an upstream connection is used again"},
     .number = [](Settings& s, std::int64_t n) { s.upstream.reuse = milliseconds{n}; }},
    {.info = {"THAW_COMPRESSION", "zstd", kNone, 0, 0, "zstd, gzip, none",
              "of upstream bodies of 1 KiB and more"},
     .choice = take_compression},
    /// A place is kept for each configured one.
    {.info = {"THAW_MAX_DSNS", "32", kNone, 1, 10'000, kNone,
              "distinct DSNs remembered; the next one is answered 403"},
     .number = [](Settings& s,
                  std::int64_t n) { s.relay.route.max_dsns = static_cast<std::size_t>(n); }},
    {.info = {"THAW_LOG", "warn", kNone, 0, 0, "error, warn, info, debug", "how much is logged"},
     .choice = take_log_level},
    // Beyond a day only the line at SHUTDOWN is left.
    {.info = {"THAW_EMF_MINUTES", "0", "min", 0, 1440, kNone,
              "minutes between two lines of metrics for CloudWatch, the last at SHUTDOWN; 0: none"},
     .number = [](Settings& s, std::int64_t n) { s.emf = std::chrono::minutes{n}; }},
    /// What is special in user or password as %XX. Never `HTTP_PROXY`, in capitals.
    {.info =
         {"THAW_PROXY", kNone, kNone, 0, 0, kNone,
          "http://user:password@host:port, or direct for none; else https_proxy, HTTPS_PROXY and, "
          "for http upstreams, http_proxy; no_proxy, NO_PROXY: the hosts without"},
     .text = take_own_proxy},
    {.info = {"THAW_CA_FILE", kNone, kNone, 0, 0, kNone,
              "root certificates in PEM, before SSL_CERT_FILE and the system's"},
     .text = [](Settings& s, std::string_view value, auto&) { s.upstream.ca_file = value; }},
    /// Not one that others share, as `/tmp` itself. In it the journal, and the file `ready` with
    /// the port.
    {.info = {"THAW_SPOOL_DIR", "/tmp/thaw", kNone, 0, 0, kNone,
              "Thaw's own folder, created with mode 0700"},
     .text = take_spool_dir},
    /// With `off` in memory only.
    {.info = {"THAW_JOURNAL", "on", kNone, 0, 0, "on, off",
              "keep what was accepted in files until it is delivered"},
     .choice = take_journal},
    /// Counted as for `THAW_MAX_WAITING`. Never into the last tenth of the file system, at least 16
    /// MiB: then as for a full disk, in memory.
    {.info = {"THAW_SPOOL_MIB", "64", "MiB", 1, 10'240, kNone,
              "the journal's files together; above it the least urgent, oldest go first"},
     .number = [](Settings& s,
                  std::int64_t n) { s.spool_bytes = static_cast<std::uint64_t>(n) * relay::kMiB; }},
    {.info = {"THAW_REPORT_FAILURES", "1", kNone, 0, 1, kNone,
              "timeouts, out-of-memory kills, crashes and failed inits become Sentry events"},
     .number = [](Settings& s, std::int64_t n) { s.report_failures = n == 1; }},
    /// Of 1 KiB each at most. Thaw then gets the function's log as telemetry, which costs its
    /// wake-ups.
    {.info = {"THAW_FAILURE_LOG_LINES", "0", kNone, 0, FunctionLog::kMostLines, kNone,
              "how many of the last lines in the function's log go with a failure's event"},
     .number = [](Settings& s,
                  std::int64_t n) { s.failure_log_lines = static_cast<std::size_t>(n); }},
    /// SDKs started by `thaw-exec` go straight to Sentry; what is posted here is answered `200`
    /// with a rate limit for everything, and counted `disabled`. No journal, telemetry, connection.
    {.info =
         {"THAW_DISABLED", "0", kNone, 0, 0, kNone,
          "anything but 0: the kill switch; nothing is sent to Sentry, what comes here is dropped"},
     .text = [](Settings& s, std::string_view value,
                auto&) { s.relay.intake.disabled = value != "0"; }},
    {.info = {"THAW_EXTENSION_NAME", kNone, kNone, 0, 0, kNone,
              "the name to register, where it is not that of the program's file; where no file has "
              "it, that one after all"},
     .text = [](Settings& s, std::string_view value, auto&) { s.extension_name = value; }},
};

}  // namespace

std::span<const SettingRow> setting_rows() { return kRows; }

}  // namespace extension
