#include "extension/reserved_descriptor.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace {

using extension::Lent;
using extension::ReservedDescriptor;

/// As many descriptors as are open when it begins, and `more`.
class Limit {
 public:
  explicit Limit(unsigned more) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int lowest_free = ::open("/", O_PATH | O_CLOEXEC);
    REQUIRE(lowest_free >= 0);
    ::close(lowest_free);
    const rlimit less{static_cast<rlim_t>(lowest_free) + more, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &less) == 0);
  }

  ~Limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  rlimit before_{};
};

bool one_is_free() {
  const int fd = ::open("/", O_PATH | O_CLOEXEC);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

}  // namespace

TEST_SUITE_BEGIN("extension/reserved_descriptor");

TEST_CASE("the last descriptor is kept, lent for a call, taken back, and free at the end") {
  const Limit limit(1);
  {
    ReservedDescriptor reserved;
    CHECK_FALSE(one_is_free());
    for (int i = 0; i < 2; ++i) {
      {
        const Lent lent(reserved);
        CHECK(one_is_free());
      }
      CHECK_FALSE(one_is_free());
    }
    reserved.take();  // it has one: no second
    reserved.give();
    CHECK(one_is_free());
    reserved.give();
    CHECK(one_is_free());
  }
  CHECK(one_is_free());
}

TEST_CASE("one that is not free to be taken back is taken the next time") {
  const Limit limit(1);
  ReservedDescriptor reserved;
  {
    const Lent lent(reserved);
    const int taken = ::open("/", O_PATH | O_CLOEXEC);
    REQUIRE(taken >= 0);
    reserved.take();
    ::close(taken);
    CHECK(one_is_free());
  }
  CHECK_FALSE(one_is_free());
}

TEST_SUITE_END();
