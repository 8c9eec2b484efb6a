// One shape for the decompressors of three libraries: input in, output out, nothing allocated that
// grows with the output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "proto/codec.hpp"

namespace proto {

class Decoder {
 public:
  enum class State : std::uint8_t {
    more,       ///< wants input or room
    ended,      ///< a stream is complete; more input begins the next, where the format has such
    corrupt,    ///< breaks its format, or has something behind its only stream
    too_large,  ///< asks for a window beyond the limit
  };

  struct Step {
    State state = State::more;
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  virtual ~Decoder() = default;

  /// `output` is not empty. Consumes or produces something unless it has all the input there is.
  [[nodiscard]] virtual Step step(std::string_view input, std::span<char> output) = 0;
};

/// For every encoding but identity. `limit` is the most the caller will take, and bounds a window.
[[nodiscard]] std::unique_ptr<Decoder> make_decoder(Encoding encoding, std::size_t limit);

}  // namespace proto
