// Starts an extension beside an Extensions API that only takes times, and prints them: exec to
// listening, to registered, to the first next, as one line of JSON. Then the extension is left as
// it is, idle, until standard input ends. The same for each program, in a process of its own, so
// that none of it is the program's time.
//
// Usage: bench_watch [--listening PORT] [--group FILE] PROGRAM [ARGUMENT...]
// --listening: a connection to PORT is tried every 50 us until it is taken. It costs time, so
// `listening` and the others are better taken in different runs. --group: the cgroup.procs (or
// tasks) file that the program begins in.
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// Node under a small quota needs seconds.
constexpr unsigned kLimitSeconds = 60;
constexpr long kLook = 50'000;  // ns

struct Options {
  int listening = 0;
  const char* group = nullptr;
  char** program = nullptr;
};

// Shared with the child, which writes the first; -1: not yet.
struct Times {
  double exec = -1, listening = -1, registered = -1, next = -1;
};

double now_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(EXIT_FAILURE);
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class Platform {
 public:
  Platform() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* here = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, here, size) != 0 || ::listen(listener_, 16) != 0) fail("listen");
    ::getsockname(listener_, here, &size);
    port_ = ntohs(address.sin_port);
  }

  [[nodiscard]] int port() const { return port_; }

  /// Serves until next has been asked for.
  void serve(Times& times) {
    while (times.next < 0) {
      std::vector<pollfd> ready{{listener_, POLLIN, 0}};
      for (const auto& peer : peers_) ready.push_back({peer.fd, POLLIN, 0});
      if (::poll(ready.data(), ready.size(), -1) < 0) fail("poll");
      for (std::size_t i = 1; i < ready.size(); ++i) {
        if (ready[i].revents != 0) read(peers_[i - 1], times);
      }
      std::erase_if(peers_, [](const Peer& peer) { return peer.fd < 0; });
      if (ready[0].revents != 0) accept();
    }
  }

 private:
  struct Peer {
    int fd;
    std::string request;
  };

  void accept() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (fd >= 0) peers_.push_back({fd, {}});
  }

  static std::size_t body_length(const std::string& head) {
    constexpr std::string_view kName = "content-length:";
    std::string lower;
    for (const char c : head)
      lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto found = lower.find(kName);
    return found == std::string::npos
               ? 0
               : std::strtoul(lower.c_str() + found + kName.size(), nullptr, 10);
  }

  static void read(Peer& peer, Times& times) {
    char bytes[4096];
    const auto got = ::read(peer.fd, bytes, sizeof bytes);
    if (got <= 0) {
      ::close(peer.fd);
      peer.fd = -1;
      return;
    }
    peer.request.append(bytes, static_cast<std::size_t>(got));
    const auto head = peer.request.find("\r\n\r\n");
    if (head == std::string::npos) return;
    if (peer.request.starts_with("GET") && peer.request.find("/event/next") < head) {
      times.next = now_us();  // not answered: nothing happens
      return;
    }
    if (peer.request.size() < head + 4 + body_length(peer.request.substr(0, head))) return;
    answer(peer.fd);
    if (peer.request.find("/extension/register") < head) times.registered = now_us();
    peer.request.clear();
  }

  static void answer(int fd) {
    constexpr std::string_view kAnswer =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Extension-Identifier: 1\r\n"
        "Content-Length: 2\r\n\r\n{}";
    if (::send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) fail("answer");
  }

  int listener_;
  int port_ = 0;
  std::vector<Peer> peers_;
};

// In a process of its own: the moment the port takes a connection.
[[noreturn]] void look(int port, Times& times) {
  ::prctl(PR_SET_TIMERSLACK, 1);
  const sockaddr_in there = loopback(port);
  for (;;) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0) break;
    ::close(fd);
    const timespec pause{0, kLook};
    ::nanosleep(&pause, nullptr);
  }
  times.listening = now_us();
  ::_exit(0);
}

[[noreturn]] void begin(const Options& options, Times& times) {
  if (options.group != nullptr) {
    const int door = ::open(options.group, O_WRONLY | O_CLOEXEC);
    if (door < 0 || ::write(door, "0", 1) != 1) {
      std::perror(options.group);
      ::_exit(EXIT_FAILURE);
    }
  }
  const int nothing = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1}) ::dup2(nothing, fd);
  ::close(nothing);
  times.exec = now_us();
  ::execv(options.program[0], options.program);
  std::perror(options.program[0]);
  ::_exit(EXIT_FAILURE);
}

pid_t child_that(auto task) {
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child > 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  task();
  ::_exit(0);
}

// Of all its threads so far; kernel docs, scheduler/sched-stats ("/proc/<pid>/schedstat").
double cpu_us(pid_t child) {
  double sum = 0;
  const std::string tasks = "/proc/" + std::to_string(child) + "/task/";
  DIR* folder = ::opendir(tasks.c_str());
  if (folder == nullptr) return -1;
  while (const dirent* task = ::readdir(folder)) {
    std::FILE* file = std::fopen((tasks + task->d_name + "/schedstat").c_str(), "re");
    double ns = 0;
    if (file == nullptr) continue;
    if (std::fscanf(file, "%lf", &ns) == 1) sum += ns / 1e3;
    std::fclose(file);
  }
  ::closedir(folder);
  return sum;
}

void print(const Times& times, pid_t child) {
  std::printf("{\"pid\": %d, \"cpu_us\": %.1f", child, cpu_us(child));
  const auto since = [&](const char* name, double at) {
    if (at >= 0) std::printf(", \"%s_us\": %.1f", name, at - times.exec);
  };
  since("listening", times.listening);
  since("registered", times.registered);
  since("next", times.next);
  std::puts("}");
  std::fflush(stdout);
}

Options read_options(int argc, char** argv) {
  Options options;
  int at = 1;
  for (; at + 1 < argc; at += 2) {
    if (std::strcmp(argv[at], "--listening") == 0) {
      options.listening = std::atoi(argv[at + 1]);
    } else if (std::strcmp(argv[at], "--group") == 0) {
      options.group = argv[at + 1];
    } else {
      break;
    }
  }
  if (at < argc) options.program = argv + at;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  if (options.program == nullptr) {
    std::fputs("usage: bench_watch [--listening PORT] [--group FILE] PROGRAM [ARGUMENT...]\n",
               stderr);
    return 2;
  }
  // Whoever waits longer than this waits for nothing: the children end with us.
  ::alarm(kLimitSeconds);
  void* shared =
      ::mmap(nullptr, sizeof(Times), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail("mmap");
  Times& times = *new (shared) Times;

  Platform platform;
  ::setenv("AWS_LAMBDA_RUNTIME_API", ("127.0.0.1:" + std::to_string(platform.port())).c_str(), 1);
  pid_t looker = 0;
  if (options.listening != 0) looker = child_that([&] { look(options.listening, times); });
  const pid_t child = child_that([&] { begin(options, times); });
  platform.serve(times);
  if (looker != 0) ::waitpid(looker, nullptr, 0);
  print(times, child);

  ::alarm(0);
  char ignored = 0;
  while (::read(STDIN_FILENO, &ignored, 1) > 0) {
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  return 0;
}
