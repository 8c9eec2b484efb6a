// encode() of codec.hpp for whoever compresses one body after the other: what the compressor needs
// beside the bytes is made once.
#pragma once

#include <memory>
#include <string_view>

#include "proto/bytes.hpp"
#include "proto/codec.hpp"

struct ZSTD_CCtx_s;

namespace proto {

class Encoder {
 public:
  /// As proto::encode. Thrown out of, it may be used again.
  void encode(Encoding encoding, std::string_view head, std::string_view tail, Bytes& out);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };

  void encode_zstd(std::string_view head, std::string_view tail, Bytes& out);

  /// To make one asks the processor what it can, which in a virtual machine such as Lambda's takes
  /// as long as compressing a small body. Empty before the first, and behind a large one.
  std::unique_ptr<ZSTD_CCtx_s, Free> zstd_;
};

}  // namespace proto
