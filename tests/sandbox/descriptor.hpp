// A file descriptor with one owner.
#pragma once

#include <utility>

#include <unistd.h>

namespace sandbox {

class Descriptor {
 public:
  Descriptor() = default;

  explicit Descriptor(int number) : number_(number) {}

  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}

  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }

  ~Descriptor() {
    if (ok()) ::close(number_);
  }

  [[nodiscard]] bool ok() const { return number_ >= 0; }

  [[nodiscard]] int number() const { return number_; }

 private:
  int number_ = -1;
};

}  // namespace sandbox
