#include "proto/decoding.hpp"

#include <algorithm>
#include <utility>

#include "proto/errc.hpp"

namespace proto {
namespace {

constexpr std::size_t kSmallestBlock = 4096;
constexpr std::size_t kBlock = 256UL * 1024;

}  // namespace

Decoding::Decoding(Encoding encoding, Bytes body, std::size_t limit)
    : body_(std::move(body)),
      input_(body_.view()),
      limit_(limit),
      decoder_(make_decoder(encoding, limit)) {
  block_.reserve(std::min(limit, std::clamp(4 * body_.size(), kSmallestBlock, kBlock)));
}

std::optional<Result<Bytes>> Decoding::step(std::size_t bytes) {
  if (!decoder_) return put_together(bytes);
  for (std::size_t left = bytes; left > 0;) {
    const std::span<char> place = room(left);
    const Decoder::Step step = decoder_->step(input_, place);
    if (!take(step.produced)) return Errc::encoding_too_large;
    input_.remove_prefix(step.consumed);
    left -= std::min(left, std::max(step.produced, step.consumed));
    switch (step.state) {
      case Decoder::State::corrupt:
        return Errc::encoding_corrupt;
      case Decoder::State::too_large:
        return Errc::encoding_too_large;
      case Decoder::State::ended:
        if (!input_.empty()) break;
        decoder_.reset();
        body_ = {};
        return put_together(left);
      case Decoder::State::more:
        // It has all there is, and room to spare: it waits for bytes that do not come.
        if (input_.empty() && step.produced < place.size()) return Errc::encoding_truncated;
        break;
    }
  }
  return std::nullopt;
}

std::span<char> Decoding::room(std::size_t most) {
  if (total_ == limit_) return pocket_;
  if (used_ == block_.capacity()) {
    block_.resize(used_);
    blocks_.push_back(std::exchange(block_, Bytes()));
    used_ = 0;
    block_.reserve(std::min(limit_ - total_, kBlock));
  }
  return {block_.data() + used_, std::min(block_.capacity() - used_, most)};
}

bool Decoding::take(std::size_t count) {
  if (total_ == limit_) return count == 0;
  used_ += count;
  total_ += count;
  return true;
}

std::optional<Result<Bytes>> Decoding::put_together(std::size_t bytes) {
  if (used_ > 0) {
    block_.resize(used_);
    blocks_.push_back(std::exchange(block_, Bytes()));
    used_ = 0;
  }
  if (blocks_.size() == 1) return std::move(blocks_.front());
  whole_.reserve(total_);
  for (std::size_t copied = 0; next_ < blocks_.size(); ++next_) {
    if (copied >= bytes) return std::nullopt;
    const Bytes block = std::move(blocks_[next_]);
    whole_.append(block.view());
    copied += block.size();
  }
  return std::move(whole_);
}

}  // namespace proto
