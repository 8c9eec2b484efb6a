// Content-Encoding, both ways, never past a limit.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "proto/bytes.hpp"
#include "proto/result.hpp"

namespace proto {

enum class Encoding { identity, gzip, deflate, br, zstd };

/// Case-insensitive; x-gzip is gzip; empty, "identity" and "utf-8" are identity. Error:
/// encoding_unknown, for lists as well.
[[nodiscard]] Result<Encoding> encoding_of_name(std::string_view name);
[[nodiscard]] std::string_view name(Encoding encoding);

/// Undoes `encoding`. Never holds more than `limit` bytes of result. Every member of a multi-member
/// gzip and every frame of a zstd stream is decoded (upstream reads only the first gzip member, so
/// they must not be passed on as they are). Zlib-wrapped deflate only, as Relay.
/// Errors: encoding_corrupt, encoding_truncated, encoding_too_large.
[[nodiscard]] Result<Bytes> decode(Encoding encoding, Bytes body, std::size_t limit);

/// Appends `text` to `out` as one complete zstd frame (level 1) or gzip stream (level 1). Two zstd
/// frames behind each other are one body upstream; two gzip members are not. identity appends as
/// is. Only identity, gzip and zstd.
void encode(Encoding encoding, std::string_view head, std::string_view tail, Bytes& out);

}  // namespace proto
