#include "tests/bench/far_processes.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <boost/asio/io_context.hpp>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/fake_upstream.hpp"

namespace bench {
namespace {

constexpr auto kLimits =
    "HTTP/1.1 429 Too Many Requests\r\nX-Sentry-Rate-Limits: 60:transaction:key\r\n"
    "Content-Length: 0\r\n\r\n";

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

[[noreturn]] void serve(int announce, const std::string& ca_file) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const support::Authority authority;
  std::ofstream(ca_file) << authority.root();
  boost::asio::io_context io{1};
  support::FakeUpstream plain(io);
  support::FakeUpstream tls(io, support::FakeUpstream::Tls{authority.issue("DNS:localhost")});
  support::FakeUpstream limiting(io);
  limiting.usual.answer = kLimits;
  const FarProcesses::Ports ports{plain.port(), tls.port(), limiting.port()};
  if (::write(announce, &ports, sizeof ports) != sizeof ports) fail("announcing");
  for (;;) {
    io.run_one();
    plain.requests.clear();
    tls.requests.clear();
    limiting.requests.clear();
  }
}

}  // namespace

FarProcesses::FarProcesses()
    : ca_file_((std::filesystem::temp_directory_path() /
                ("thaw-bench-ca-" + std::to_string(::getpid()) + ".pem"))
                   .string()) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) fail("pipe");
  child_ = ::fork();
  if (child_ < 0) fail("fork");
  if (child_ == 0) serve(ends[1], ca_file_);
  ::close(ends[1]);
  if (::read(ends[0], &ports_, sizeof ports_) != sizeof ports_) fail("upstreams");
  ::close(ends[0]);
}

FarProcesses::~FarProcesses() {
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove(ca_file_, ignored);
}

}  // namespace bench
