// Upstreams in a process of their own, so that their work is in nobody's turn.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace bench {

/// Upstreams on loopback, in one forked process that ends with this object.
class FarProcesses {
 public:
  struct Ports {
    std::uint16_t plain = 0;
    std::uint16_t tls = 0;  ///< shows a certificate for localhost of the authority in ca_file()
    std::uint16_t limiting = 0;  ///< answers 429 with a limit for everything
  };

  FarProcesses();
  ~FarProcesses();
  FarProcesses(const FarProcesses&) = delete;
  FarProcesses& operator=(const FarProcesses&) = delete;

  [[nodiscard]] const Ports& ports() const { return ports_; }

  [[nodiscard]] const std::string& ca_file() const { return ca_file_; }

 private:
  Ports ports_;
  std::string ca_file_;
  pid_t child_ = -1;
};

}  // namespace bench
