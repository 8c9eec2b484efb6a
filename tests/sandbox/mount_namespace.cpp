#include "tests/sandbox/mount_namespace.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

namespace sandbox {
namespace {

namespace fs = std::filesystem;

std::string failed(const std::string& step) { return step + ": " + std::strerror(errno); }

/// Out of our own namespace and back again; the working directory survives.
class Excursion {
 public:
  Excursion()
      : here_(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)),
        directory_(::open(".", O_PATH | O_CLOEXEC)) {
    if (!here_.is_open() || !directory_.is_open()) {
      failure_ = failed("open");
    } else if (!home()) {  // who cannot return does not leave
      failure_ = failed("setns");
    } else if (::unshare(CLONE_NEWNS) != 0) {
      failure_ = failed("unshare");
    }
  }

  ~Excursion() {
    if (here_.is_open() && directory_.is_open() && failure_.empty() && !home()) std::abort();
  }

  Excursion(const Excursion&) = delete;
  Excursion& operator=(const Excursion&) = delete;

  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  [[nodiscard]] bool home() const {
    return ::setns(here_.get(), CLONE_NEWNS) == 0 && ::fchdir(directory_.get()) == 0;
  }

  relay::Descriptor here_, directory_;
  std::string failure_;
};

struct Shown {
  std::string path;
  relay::Descriptor opened;  ///< before the new /tmp covers it
};

std::vector<Shown> open_all(const std::vector<std::string>& paths) {
  std::vector<Shown> list;
  list.reserve(paths.size());
  for (const auto& path : paths)
    list.push_back({path, relay::Descriptor(::open(path.c_str(), O_PATH | O_CLOEXEC))});
  return list;
}

/// Every mount, /dev and /proc too: writing to a device needs no writable file system. Kernels
/// before 5.12 can do it for the root alone.
bool make_read_only() {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(-1, "/", AT_RECURSIVE, &attributes, sizeof attributes) == 0) return true;
  return errno == ENOSYS &&
         ::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
}

/// Puts the file or folder back where it was; the mount it comes from is read-only by now.
bool show(const Shown& shown) {
  const std::string source = "/proc/self/fd/" + std::to_string(shown.opened.get());
  std::error_code error;
  if (fs::is_directory(source, error)) {
    fs::create_directories(shown.path, error);
  } else {
    fs::create_directories(fs::path(shown.path).parent_path(), error);
    const relay::Descriptor point(::open(shown.path.c_str(), O_CREAT | O_CLOEXEC | O_WRONLY, 0644));
  }
  return ::mount(source.c_str(), shown.path.c_str(), nullptr, MS_BIND, nullptr) == 0;
}

/// "" or the step that failed. Runs inside.
std::string furnish(const MountShape& shape) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return failed("private");
  const std::vector<Shown> shown = open_all(shape.shown);
  if (!make_read_only()) return failed("read-only root");
  const std::string data = "mode=1777,size=" + std::to_string(shape.tmp_mib) + "m";
  if (::mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, data.c_str()) != 0)
    return failed("tmpfs");
  for (const auto& one : shown)
    if (!show(one)) return failed("show " + one.path);
  std::error_code error;
  fs::create_directories(shape.tmp, error);
  if (::chown(shape.tmp.c_str(), shape.owner.user, shape.owner.group) != 0)
    return failed(shape.tmp);
  const unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV;
  if (shape.tmp_read_only && ::mount(nullptr, "/tmp", nullptr, flags, nullptr) != 0)
    return failed("read-only /tmp");
  return {};
}

}  // namespace

MountNamespace::MountNamespace(const MountShape& shape) {
  const Excursion excursion;
  failure_ = excursion.failure();
  if (failure_.empty()) failure_ = furnish(shape);
  if (!failure_.empty()) return;
  descriptor_ = relay::Descriptor(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
  if (!descriptor_.is_open()) failure_ = failed("open");
}

}  // namespace sandbox
