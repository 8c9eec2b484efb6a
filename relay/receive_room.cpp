#include "relay/receive_room.hpp"

namespace relay {

bool ReceiveRoom::Share::grow(std::size_t bytes) {
  const std::size_t others = room_.taken_ - *place_;
  const bool fits = bytes <= room_.fair_bytes_ ||
                    (bytes <= room_.max_bytes_ && others <= room_.max_bytes_ - bytes);
  const bool grows = bytes > *place_;
  if (grows && !fits && place_ != room_.shares_.begin()) return false;
  room_.taken_ = others + bytes;
  *place_ = bytes;
  return true;
}

}  // namespace relay
