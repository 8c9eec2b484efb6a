// Memory that runs out when a test says so: the test binary's operator new is replaced by one that
// can fail, and so are the C library's realloc(3), which proto::Bytes grow by, and
// aligned_alloc(3), which Asio's operations and coroutines come from.
#pragma once

#include <cstddef>

namespace support {

enum class Whose {
  ours,   ///< all but Asio's
  asios,  ///< operations and coroutines
};

/// From the `begin`-th allocation of this thread on, counted from 0, as many as `length` fail. One
/// at a time.
class Famine {
 public:
  Famine(Whose whose, std::size_t begin, std::size_t length);
  ~Famine();
  Famine(const Famine&) = delete;
  Famine& operator=(const Famine&) = delete;

  /// Whether any has failed.
  [[nodiscard]] static bool came();
};

/// None fails, nor counts, as long as this lives: for what the test does for itself.
class Plenty {
 public:
  Plenty();
  ~Plenty();
  Plenty(const Plenty&) = delete;
  Plenty& operator=(const Plenty&) = delete;
};

/// Within a Plenty: for what the test asks of others.
class Hunger {
 public:
  Hunger();
  ~Hunger();
  Hunger(const Hunger&) = delete;
  Hunger& operator=(const Hunger&) = delete;

 private:
  int plenty_;
};

}  // namespace support
