// A body in memory: one heap block, one owner, with a zeroed tail so that a JSON parser may read
// past the end (simdjson wants 64 bytes). Moves keep the block where it is, so views into it
// survive a move.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace proto {

class Bytes {
 public:
  /// Readable bytes behind the last one, for parsers that read whole registers.
  static constexpr std::size_t kPadding = 64;

  Bytes() = default;
  Bytes(Bytes&& other) noexcept;
  Bytes& operator=(Bytes&& other) noexcept;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() = default;

  [[nodiscard]] static Bytes copy_of(std::string_view text);

  [[nodiscard]] char* data() noexcept { return block_.get(); }

  [[nodiscard]] const char* data() const noexcept { return block_.get(); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Makes room for at least `capacity` bytes; what is stored stays. A large block is not copied
  /// where the system can give its pages another place.
  void reserve(std::size_t capacity);

  /// Gives back the room that nothing is stored in; where large as reserve().
  void fit();

  /// Sets the size; grows by reserve. New bytes are unspecified, the padding is zeroed.
  void resize(std::size_t size);

  void append(std::string_view text);

  /// Lives as long as the block: until the next reserve, fit, a growing resize or append, or
  /// destruction.
  [[nodiscard]] std::string_view view() const& noexcept { return {block_.get(), size_}; }

  std::string_view view() const&& = delete;

 private:
  struct Free {
    void operator()(char* block) const noexcept { std::free(block); }
  };

  void move_to(std::size_t capacity);

  std::unique_ptr<char[], Free> block_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace proto
