#include "relay/spool_folder.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <optional>
#include <string_view>

#include "proto/number.hpp"

namespace relay {
namespace {

constexpr std::size_t kDigits = 8;
constexpr std::uint32_t kLastNumber = 99'999'999;
constexpr std::string_view kSuffix = ".seg";
// thaw-exec reads the port from one, the extension keeps its open invoke in the other: no
// strangers, and none of the journal's.
constexpr std::array<std::string_view, 2> kNeighbours{"ready", "invoke"};
// The function needs its /tmp more than we do.
constexpr std::uint64_t kLeastSpared = 16UL * 1024 * 1024;

/// nullopt: no segment is called so.
std::optional<std::uint32_t> number_of(std::string_view name) {
  if (name.size() != kDigits + kSuffix.size() || !name.ends_with(kSuffix)) return std::nullopt;
  return proto::parse_number<std::uint32_t>(name.substr(0, kDigits));
}

std::string name_of(std::uint32_t number) {
  const std::string digits = std::to_string(number);
  return std::string(kDigits - digits.size(), '0').append(digits).append(kSuffix);
}

}  // namespace

proto::Result<SpoolFolder::Found> SpoolFolder::open() {
  folder_ = Descriptor();
  auto folder = disk_.open_folder(path_);
  if (!folder) return folder.error();
  const auto locked = disk_.lock(*folder);
  if (!locked) return locked.error();
  auto entries = disk_.list(*folder);
  if (!entries) return entries.error();
  Found found;
  for (auto& entry : *entries) {
    const auto number = number_of(entry.name);
    if (number) last_number_ = std::max(last_number_, *number);
    if (number && entry.ours) {
      found.segments.push_back(std::move(entry));
    } else if (std::ranges::find(kNeighbours, entry.name) == kNeighbours.end()) {
      found.strangers.push_back(std::move(entry.name));
    }
  }
  std::ranges::sort(found.segments, std::greater(), &Disk::Entry::name);
  folder_ = std::move(*folder);
  ++opened_;
  return found;
}

proto::Result<SpoolFolder::Made> SpoolFolder::create() {
  if (last_number_ >= kLastNumber) {
    return make_error_code(boost::system::errc::file_too_large);
  }
  std::string name = name_of(last_number_ + 1);
  auto file = disk_.create(folder_, name);
  // One that somebody took since is passed over.
  if (file || file.error() == boost::system::errc::file_exists) ++last_number_;
  if (!file) return file.error();
  return Made{std::move(name), std::move(*file)};
}

std::uint64_t SpoolFolder::room() const {
  const auto space = disk_.space(folder_);
  if (!space) return 0;
  if (space->total == 0) return std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t spared = std::max(space->total / 10, kLeastSpared);
  return space->available > spared ? space->available - spared : 0;
}

}  // namespace relay
