// decode() some at a time: a large body takes longer than one turn of a loop may. What it becomes
// is gathered in blocks, and put together when its size is known: it takes no more memory than it
// has bytes, and nothing is copied twice.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "proto/bytes.hpp"
#include "proto/codec.hpp"
#include "proto/decoder.hpp"
#include "proto/result.hpp"

namespace proto {

class Decoding {
 public:
  /// Of a body that has an encoding; never past `limit` bytes of result. Nothing is decoded yet.
  Decoding(Encoding encoding, Bytes body, std::size_t limit);

  /// Goes on for about `bytes`, read, written or copied. nullopt: there is more to do. Errors: as
  /// decode(). Not to be called again when it has given a result.
  [[nodiscard]] std::optional<Result<Bytes>> step(std::size_t bytes);

 private:
  /// Where the next bytes go, `most` at most; never empty. At the limit one byte beyond it, which
  /// tells a stream that ends there from one that goes on.
  [[nodiscard]] std::span<char> room(std::size_t most);
  /// False if that is more than the limit.
  [[nodiscard]] bool take(std::size_t count);
  [[nodiscard]] std::optional<Result<Bytes>> put_together(std::size_t bytes);

  Bytes body_;
  std::string_view input_;  ///< what is left of it
  std::size_t limit_;
  std::unique_ptr<Decoder> decoder_;  ///< nullptr: it has all
  std::vector<Bytes> blocks_;         ///< full ones
  Bytes block_;                       ///< the one that is being filled
  std::size_t used_ = 0;              ///< of it
  std::size_t total_ = 0;             ///< of all
  std::array<char, 1> pocket_{};
  Bytes whole_;
  std::size_t next_ = 0;  ///< of the blocks, to be copied
};

}  // namespace proto
