#include "extension/invoke_file.hpp"

#include <array>
#include <string_view>

namespace extension {
namespace {

// relay/spool_folder.cpp knows it as a neighbour.
const std::string kName = "invoke";

}  // namespace

std::optional<KeptInvoke> InvokeFile::recover() {
  const auto folder = disk_.open_folder(folder_);
  if (!folder) return std::nullopt;
  auto opened = disk_.open(*folder, kName);
  if (!opened || opened->bytes > kMaxInvokeRecord) return std::nullopt;
  std::array<char, kMaxInvokeRecord> bytes{};
  const auto size = disk_.read(opened->file, 0, bytes.data(), bytes.size());
  if (!size) return std::nullopt;
  file_ = std::move(opened->file);
  return parse_invoke({bytes.data(), *size});
}

proto::Result<void> InvokeFile::open_or_create() {
  file_ = relay::Descriptor();
  const auto folder = disk_.open_folder(folder_);
  if (!folder) return folder.error();
  auto opened = disk_.open(*folder, kName);
  if (opened && opened->bytes <= kMaxInvokeRecord) {
    file_ = std::move(opened->file);
    return {};
  }
  static_cast<void>(disk_.unlink(*folder, kName));
  auto created = disk_.create(*folder, kName);
  if (!created) return created.error();
  file_ = std::move(*created);
  return {};
}

proto::Result<void> InvokeFile::keep(const KeptInvoke& invoke) {
  if (!file_.is_open() || !disk_.is_linked(file_)) {
    const auto open = open_or_create();
    if (!open) return open.error();
  }
  const std::string record = encode_invoke(invoke);
  const std::string_view part = record;
  const auto written = disk_.write(file_, 0, {&part, 1});
  if (written && *written == record.size()) return {};
  // An invoke of yesterday would be worse than none.
  static_cast<void>(disk_.truncate(file_, 0));
  if (!written) return written.error();
  return make_error_code(boost::system::errc::no_space_on_device);
}

}  // namespace extension
