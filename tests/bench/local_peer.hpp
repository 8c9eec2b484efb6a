// A client of the local listener without a loop of its own: for a thread beside the one that is
// measured.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

/// A blocking connection to a listener on loopback. A failure ends the program.
class LocalPeer {
 public:
  explicit LocalPeer(std::uint16_t port);
  ~LocalPeer();
  LocalPeer(const LocalPeer&) = delete;
  LocalPeer& operator=(const LocalPeer&) = delete;

  /// Sends the request and reads the whole answer.
  void ask(const std::string& request);

 private:
  int fd_;
};

}  // namespace bench
