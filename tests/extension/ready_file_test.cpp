#include "extension/ready_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_folder.hpp"

namespace {

namespace fs = std::filesystem;
using namespace extension;

std::string content(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

mode_t mode(const std::string& file) {
  struct stat found{};
  REQUIRE(::lstat(file.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

}  // namespace

TEST_SUITE_BEGIN("extension/ready_file");

TEST_CASE("the file holds the port, in a folder only its owner can read") {
  const support::TempFolder temp;
  const auto dir = temp.path("a/thaw");
  CHECK_FALSE(write_ready_file(dir, 9797));
  CHECK(content(dir + "/ready") == "9797\n");
  CHECK(mode(dir) == 0700);
  CHECK(mode(dir + "/ready") == 0600);
}

TEST_CASE("it replaces an older one, and an open folder becomes private") {
  const support::TempFolder temp;
  ::chmod(temp.path().c_str(), 0755);
  CHECK_FALSE(write_ready_file(temp.path(), 1));
  CHECK_FALSE(write_ready_file(temp.path(), 2));
  CHECK(content(temp.path("ready")) == "2\n");
  CHECK(mode(temp.path()) == 0700);
}

TEST_CASE("a folder that all share, as /tmp, is not taken from them") {
  const support::TempFolder temp;
  ::chmod(temp.path().c_str(), 01777);
  CHECK(write_ready_file(temp.path(), 1) == boost::system::errc::operation_not_permitted);
  CHECK(mode(temp.path()) == 01777);
}

TEST_CASE("a link in its place is replaced, not followed") {
  const support::TempFolder temp;
  const auto victim = temp.path("victim");
  std::ofstream(victim) << "precious";
  fs::create_symlink(victim, temp.path("ready"));
  CHECK_FALSE(write_ready_file(temp.path(), 9797));
  CHECK(content(victim) == "precious");
  CHECK(content(temp.path("ready")) == "9797\n");
}

TEST_CASE("a link or a file in the folder's place is an error") {
  const support::TempFolder temp;
  const auto dir = temp.path("thaw");
  fs::create_directory_symlink("/tmp", dir);
  CHECK(write_ready_file(dir, 9797) == boost::system::errc::not_a_directory);
  fs::remove(dir);
  std::ofstream(dir) << "";
  CHECK(write_ready_file(dir, 9797) == boost::system::errc::not_a_directory);
}

TEST_CASE("removing it is done whether it is there or not") {
  const support::TempFolder temp;
  CHECK_FALSE(write_ready_file(temp.path(), 9797));
  remove_ready_file(temp.path());
  CHECK_FALSE(fs::exists(temp.path("ready")));
  remove_ready_file(temp.path());
  remove_ready_file(temp.path("nowhere"));
}

TEST_SUITE_END();
