// Lines out of what is read in pieces. However long one of them is, no more of it is kept than the
// limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace extension {

class LineSplitter {
 public:
  explicit LineSplitter(std::size_t longest) : longest_(longest) {}

  /// `take` gets each line that has ended, without its newline; of one that is too long nothing.
  template <class Take>
  void feed(std::string_view piece, Take&& take) {
    for (auto end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
      keep(piece.substr(0, end));
      end_line(take);
      piece.remove_prefix(end + 1);
    }
    keep(piece);
  }

  /// What has not ended is a line, too.
  template <class Take>
  void finish(Take&& take) {
    if (dropping_ || !line_.empty()) end_line(take);
  }

  [[nodiscard]] std::uint64_t too_long() const { return too_long_; }

 private:
  template <class Take>
  void end_line(Take&& take) {
    if (dropping_) {
      ++too_long_;
      line_.clear();
    }
    take(std::string_view(line_));
    line_.clear();
    dropping_ = false;
  }

  void keep(std::string_view text) {
    if (dropping_) return;
    dropping_ = text.size() > longest_ - line_.size();
    if (!dropping_) line_.append(text);
  }

  std::size_t longest_;
  std::string line_;
  bool dropping_ = false;
  std::uint64_t too_long_ = 0;
};

}  // namespace extension
