#include "extension/reserved_descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace extension {

void ReservedDescriptor::give() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void ReservedDescriptor::take() {
  if (fd_ < 0) fd_ = ::open("/", O_PATH | O_CLOEXEC);
}

}  // namespace extension
