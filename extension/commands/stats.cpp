#include "extension/commands/stats.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include <boost/asio/error.hpp>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "extension/commands/fleet_table.hpp"
#include "extension/commands/line_splitter.hpp"
#include "extension/extensions_api.hpp"
#include "relay/descriptor.hpp"

namespace extension {
namespace {

using boost::system::error_code;

// Of the largest Thaw can write with its recent invokes, limits and hosts, a line is a tenth.
constexpr std::size_t kLongestLine = std::size_t{2} * 1024 * 1024;
constexpr std::size_t kLongestAnswer = std::size_t{4} * 1024 * 1024;
// For each step of a request to a process on the same machine.
constexpr timeval kPatience{2, 0};

error_code last_error() { return {errno, boost::system::system_category()}; }

bool print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
         std::fflush(stdout) == 0;
}

void complain(const std::string& text) { std::fputs(("thaw: " + text + "\n").c_str(), stderr); }

/// Ctrl-C and SIGTERM as something to wait for; they end the process no more.
relay::Descriptor stop_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  return relay::Descriptor(::signalfd(-1, &signals, SFD_CLOEXEC));
}

struct Target {
  std::string address, path;
};

proto::Result<Target> parse_target(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return error_code(boost::asio::error::invalid_argument);
  url.remove_prefix(kScheme.size());
  const auto slash = url.find('/');
  Target target{std::string(url.substr(0, slash)), "/stats"};
  if (slash != std::string_view::npos && slash + 1 < url.size()) target.path = url.substr(slash);
  return target;
}

/// All until the other side closes.
proto::Result<std::string> read_all(int fd) {
  std::string answer;
  std::array<char, 16384> piece{};
  while (answer.size() < kLongestAnswer) {
    const auto count = ::recv(fd, piece.data(), piece.size(), 0);
    if (count < 0) return last_error();
    if (count == 0) return answer;
    answer.append(piece.data(), static_cast<std::size_t>(count));
  }
  return error_code(boost::asio::error::message_size);
}

StatsExit verdict(const Fleet& fleet) {
  if (fleet.processes == 0) return StatsExit::nothing_read;
  return fleet.lost() > 0 ? StatsExit::lost : StatsExit::nothing_lost;
}

std::string in_words(const error_code& why) {
  if (why == boost::asio::error::not_found) return "what answers there has no figures of Thaw's";
  if (why == boost::asio::error::invalid_argument) {
    return "it is to be http://ADDRESS:PORT, and a name is not looked up";
  }
  return why.message();
}

StatsExit show(const StatsOptions& options) {
  const auto nothing = [&](const error_code& why) {
    complain("no Thaw at " + options.url + ": " + in_words(why));
    return StatsExit::nothing_read;
  };
  const auto answer = fetch_stats(options.url);
  if (!answer) return nothing(answer.error());
  Fleet fleet;
  fleet.read(*answer);
  if (fleet.processes == 0 && fleet.unknown_schemas.empty()) {
    return nothing(boost::asio::error::not_found);
  }
  const bool redraw = options.watch && !options.json && ::isatty(STDOUT_FILENO) == 1;
  std::string text = redraw ? "\x1b[H\x1b[2J" : "";
  text += options.json ? *answer + "\n" : to_table(fleet, options.url);
  // Whoever read it has gone.
  if (!print(text)) return StatsExit::nothing_read;
  return verdict(fleet);
}

StatsExit watch(const StatsOptions& options) {
  const auto stop = stop_signals();
  const auto pause = static_cast<int>(std::chrono::milliseconds(*options.watch).count());
  for (;;) {
    const StatsExit shown = show(options);
    pollfd stopped{stop.get(), POLLIN, 0};
    if (::poll(&stopped, 1, pause) != 0 || std::ferror(stdout) != 0) return shown;
    if (!options.json && ::isatty(STDOUT_FILENO) != 1) print("\n");
  }
}

/// Until the end of the input, or Ctrl-C.
void read_lines(Fleet& fleet) {
  const auto stop = stop_signals();
  LineSplitter splitter(kLongestLine);
  const auto take = [&](std::string_view line) { fleet.read(line); };
  std::array<char, 65536> piece{};
  for (;;) {
    std::array<pollfd, 2> waiting{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{stop.get(), POLLIN, 0}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 || waiting[1].revents != 0) break;
    const auto count = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (count <= 0) break;
    splitter.feed({piece.data(), static_cast<std::size_t>(count)}, take);
  }
  splitter.finish(take);
  fleet.skip_long(splitter.too_long());
}

StatsExit add_up_lines(const StatsOptions& options) {
  Fleet fleet;
  read_lines(fleet);
  if (fleet.processes == 0) complain("no line of Thaw's found on standard input");
  const bool shown =
      print(options.json ? to_json(fleet) + "\n" : to_table(fleet, "standard input"));
  return shown ? verdict(fleet) : StatsExit::nothing_read;
}

}  // namespace

bool has_lines(int fd) {
  struct stat input{};
  return ::fstat(fd, &input) == 0 && !S_ISCHR(input.st_mode);
}

proto::Result<std::string> fetch_stats(const std::string& url) {
  const auto target = parse_target(url);
  if (!target) return target.error();
  const auto address = parse_api_address(target->address);
  if (!address) return address.error();
  const relay::Descriptor socket(
      ::socket(address->protocol().family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof(kPatience));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  const std::string request = "GET " + target->path + " HTTP/1.1\r\nHost: " + target->address +
                              "\r\nConnection: close\r\n\r\n";
  if (::connect(socket.get(), address->data(), static_cast<socklen_t>(address->size())) != 0 ||
      ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    return last_error();
  }
  auto answer = read_all(socket.get());
  if (!answer) return answer;
  const auto body = answer->find("\r\n\r\n");
  const bool ok = answer->starts_with("HTTP/1.1 200 ") && body != std::string::npos;
  if (!ok) return error_code(boost::asio::error::not_found);
  return answer->substr(body + 4);
}

int stats(const StatsOptions& options) {
  using From = StatsOptions::From;
  const bool lines =
      options.from == From::whichever ? has_lines(STDIN_FILENO) : options.from == From::lines;
  if (lines) return static_cast<int>(add_up_lines(options));
  return static_cast<int>(options.watch ? watch(options) : show(options));
}

}  // namespace extension
