#include "relay/disk.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <memory>

#include <boost/system/error_code.hpp>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

namespace relay {
namespace {

using boost::system::error_code;

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kWayMode = 0755;
constexpr mode_t kFileMode = 0600;
constexpr std::size_t kMostParts = 8;

error_code last_error() { return {errno, boost::system::system_category()}; }

error_code not_ours() { return make_error_code(boost::system::errc::operation_not_permitted); }

/// Nobody else can have put it here, nor can it be reached from elsewhere.
bool is_ours(const struct stat& file) {
  return S_ISREG(file.st_mode) && file.st_uid == ::geteuid() && file.st_nlink == 1;
}

/// Repeats what a signal interrupted.
template <class Call>
auto uninterrupted(Call call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

bool make_folder(const std::string& path) {
  const auto is_there = [&] { return ::mkdir(path.c_str(), kFolderMode) == 0 || errno == EEXIST; };
  if (is_there()) return true;
  if (errno != ENOENT) return false;
  for (auto slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    ::mkdir(path.substr(0, slash).c_str(), kWayMode);
  }
  return is_there();
}

bool is_own_folder(const struct stat& found) {
  return found.st_uid == ::geteuid() && (found.st_mode & S_ISVTX) == 0;
}

proto::Result<Descriptor> SystemDisk::open_folder(const std::string& path) {
  if (!make_folder(path)) return last_error();
  Descriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.is_open()) return last_error();
  struct stat found{};
  if (::fstat(folder.get(), &found) != 0) return last_error();
  if (!is_own_folder(found)) return not_ours();
  const bool right = (found.st_mode & 07777U) == kFolderMode;
  if (!right && ::fchmod(folder.get(), kFolderMode) != 0) return last_error();
  return folder;
}

bool SystemDisk::is_at(const Descriptor& folder, const std::string& path) {
  struct stat open{};
  struct stat named{};
  return ::fstat(folder.get(), &open) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

proto::Result<void> SystemDisk::lock(const Descriptor& folder) {
  if (uninterrupted([&] { return ::flock(folder.get(), LOCK_EX | LOCK_NB); }) != 0) {
    return last_error();
  }
  return {};
}

proto::Result<std::vector<Disk::Entry>> SystemDisk::list(const Descriptor& folder) {
  // A description of its own: closedir() closes it, and its place in the list is not shared.
  const int again = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (again < 0) return last_error();
  const std::unique_ptr<DIR, CloseFolder> reader(::fdopendir(again));
  if (!reader) {
    const error_code failed = last_error();
    ::close(again);
    return failed;
  }
  std::vector<Entry> entries;
  errno = 0;
  while (const dirent* found = ::readdir(reader.get())) {
    const std::string_view name = found->d_name;
    if (name == "." || name == "..") continue;
    struct stat file{};
    if (::fstatat(folder.get(), found->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0) {
      entries.push_back(
          {std::string(name), static_cast<std::uint64_t>(file.st_size), is_ours(file)});
    }
    errno = 0;
  }
  if (errno != 0) return last_error();
  return entries;
}

proto::Result<Descriptor> SystemDisk::create(const Descriptor& folder, const std::string& name) {
  Descriptor file(::openat(folder.get(), name.c_str(),
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!file.is_open()) return last_error();
  return file;
}

proto::Result<Disk::Opened> SystemDisk::open(const Descriptor& folder, const std::string& name) {
  // Not to be kept waiting by a pipe somebody put here.
  Descriptor file(
      ::openat(folder.get(), name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return last_error();
  struct stat found{};
  if (::fstat(file.get(), &found) != 0) return last_error();
  if (!is_ours(found)) return not_ours();
  return Opened{std::move(file), static_cast<std::uint64_t>(found.st_size)};
}

proto::Result<void> SystemDisk::unlink(const Descriptor& folder, const std::string& name) {
  if (::unlinkat(folder.get(), name.c_str(), 0) != 0) return last_error();
  return {};
}

bool SystemDisk::is_linked(const Descriptor& file) {
  // It must not ask for the times, as fstat(2) does: Linux since 6.13 answers with the fine-grained
  // one, so that each write after it has to store a new one, at twice the price of the question
  // (Documentation/filesystems/multigrain-ts.rst).
  struct statx links{};
  if (::statx(file.get(), "", AT_EMPTY_PATH, STATX_NLINK, &links) == 0) return links.stx_nlink > 0;
  // Some sandboxes refuse what is younger than they are.
  struct stat found{};
  return ::fstat(file.get(), &found) == 0 && found.st_nlink > 0;
}

proto::Result<std::size_t> SystemDisk::write(const Descriptor& file, std::uint64_t at,
                                             std::span<const std::string_view> parts) {
  assert(parts.size() <= kMostParts);
  std::array<iovec, kMostParts> list{};
  std::ranges::transform(parts, list.begin(), [](std::string_view part) {
    // writev(2) reads from it only.
    return iovec{const_cast<char*>(part.data()), part.size()};  // NOLINT
  });
  const ssize_t written = uninterrupted([&] {
    return ::pwritev(file.get(), list.data(), static_cast<int>(parts.size()),
                     static_cast<off_t>(at));
  });
  if (written < 0) return last_error();
  return static_cast<std::size_t>(written);
}

proto::Result<std::size_t> SystemDisk::read(const Descriptor& file, std::uint64_t at, char* into,
                                            std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = uninterrupted([&] {
      return ::pread(file.get(), into + done, size - done, static_cast<off_t>(at + done));
    });
    if (count < 0) return last_error();
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

proto::Result<void> SystemDisk::truncate(const Descriptor& file, std::uint64_t bytes) {
  const auto size = static_cast<off_t>(bytes);
  if (uninterrupted([&] { return ::ftruncate(file.get(), size); }) != 0) return last_error();
  return {};
}

proto::Result<Disk::Space> SystemDisk::space(const Descriptor& folder) {
  struct statvfs found{};
  if (::fstatvfs(folder.get(), &found) != 0) return last_error();
  const std::uint64_t block = found.f_frsize;
  return Space{found.f_blocks * block, found.f_bavail * block};
}

}  // namespace relay
