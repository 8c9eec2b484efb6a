#include "proto/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace proto {

Bytes::Bytes(Bytes&& other) noexcept
    : block_(std::move(other.block_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Bytes& Bytes::operator=(Bytes&& other) noexcept {
  block_ = std::move(other.block_);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

Bytes Bytes::copy_of(std::string_view text) {
  Bytes copy;
  copy.append(text);
  return copy;
}

void Bytes::reserve(std::size_t capacity) {
  if (block_ && capacity <= capacity_) return;
  move_to(capacity);
  std::memset(block_.get() + size_, 0, kPadding);
}

void Bytes::fit() {
  if (block_ && size_ < capacity_) move_to(size_);
}

/// The one way that moves pages and not bytes is the C library's (glibc: mremap, from its
/// M_MMAP_THRESHOLD on).
void Bytes::move_to(std::size_t capacity) {
  auto* const block = static_cast<char*>(std::realloc(block_.get(), capacity + kPadding));
  if (block == nullptr) throw std::bad_alloc();
  static_cast<void>(block_.release());
  block_.reset(block);
  capacity_ = capacity;
}

void Bytes::resize(std::size_t size) {
  reserve(size);
  size_ = size;
  std::memset(block_.get() + size_, 0, kPadding);
}

void Bytes::append(std::string_view text) {
  const std::size_t old_size = size_;
  const std::size_t new_size = old_size + text.size();
  if (!block_ || new_size > capacity_) {
    // Doubling keeps many small appends linear; the first one is exact.
    reserve(block_ ? std::max(new_size, 2 * capacity_) : new_size);
  }
  if (!text.empty()) std::memcpy(block_.get() + old_size, text.data(), text.size());
  size_ = new_size;
  std::memset(block_.get() + size_, 0, kPadding);
}

}  // namespace proto
