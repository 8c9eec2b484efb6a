// encode() of codec.hpp for whoever compresses one body after the other, and some at a time: a
// large body takes longer than one turn of a loop may. What the compressor needs beside the bytes
// is made once.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "proto/bytes.hpp"
#include "proto/codec.hpp"

struct ZSTD_CCtx_s;
struct z_stream_s;

namespace proto {

class Encoder {
 public:
  /// As proto::encode. Thrown out of, it may be used again.
  void encode(Encoding encoding, std::string_view head, std::string_view tail, Bytes& out);

  /// The same in steps, each behind the other: `head` and `tail` stay where they are, and nothing
  /// else is added to `out`, until the last. A body that was begun before is forgotten. Makes room
  /// for all that may come, so that no step has to move what the others have written.
  void begin(Encoding encoding, std::string_view head, std::string_view tail, Bytes& out);
  /// Goes on for about `bytes` of what was begun. True: that was the last step.
  [[nodiscard]] bool step(std::size_t bytes, Bytes& out);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
    void operator()(z_stream_s* stream) const;
  };

  void begin_zstd();
  void begin_gzip();
  [[nodiscard]] std::size_t bound() const;
  void feed(std::string_view text, bool last, Bytes& out);
  void feed_zstd(std::string_view text, bool last, Bytes& out);
  void feed_gzip(std::string_view text, bool last, Bytes& out);

  Encoding encoding_ = Encoding::identity;
  std::string_view head_;  ///< what is left of it
  std::string_view tail_;
  /// To make one asks the processor what it can, which in a virtual machine such as Lambda's takes
  /// as long as compressing a small body. Empty before the first, and behind a large one.
  std::unique_ptr<ZSTD_CCtx_s, Free> zstd_;
  std::unique_ptr<z_stream_s, Free> gzip_;  ///< while a body is under way
};

}  // namespace proto
