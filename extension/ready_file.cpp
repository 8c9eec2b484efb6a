#include "extension/ready_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/disk.hpp"

namespace extension {
namespace {

using boost::system::error_code;

error_code last_error() { return {errno, boost::system::system_category()}; }

error_code success_or(bool ok) { return ok ? error_code{} : last_error(); }

std::string ready_path(const std::string& directory) { return directory + "/ready"; }

// As relay::Disk opens it, without opening it.
error_code make_private_directory(const std::string& directory) {
  if (!relay::make_folder(directory)) return last_error();
  struct stat found{};
  if (::lstat(directory.c_str(), &found) != 0) return last_error();
  if (!S_ISDIR(found.st_mode)) return {ENOTDIR, boost::system::system_category()};
  if (!relay::is_own_folder(found)) return {EPERM, boost::system::system_category()};
  const bool right = (found.st_mode & 07777U) == 0700;
  return success_or(right || ::chmod(directory.c_str(), 0700) == 0);
}

}  // namespace

void remove_ready_file(const std::string& directory) { ::unlink(ready_path(directory).c_str()); }

error_code write_ready_file(const std::string& directory, std::uint16_t port) {
  if (const auto failed = make_private_directory(directory)) return failed;
  remove_ready_file(directory);
  const int fd = ::open(ready_path(directory).c_str(),
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return last_error();
  const std::string text = std::to_string(port) + "\n";
  error_code failed =
      success_or(::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  if (::close(fd) != 0 && !failed) failed = last_error();
  return failed;
}

}  // namespace extension
