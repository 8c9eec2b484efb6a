// What the journal's folder and files may be: ours, and nobody else's.
#include "relay/disk.hpp"

#include <array>
#include <fstream>
#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_folder.hpp"

using relay::SystemDisk;
using support::TempFolder;

namespace {

mode_t mode_of(const std::string& path) {
  struct stat found{};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777U;
}

void plant(const std::string& path) { std::ofstream(path) << "planted"; }

}  // namespace

TEST_SUITE_BEGIN("relay/disk");

TEST_CASE("a missing folder is made for us alone; a looser one is taken back") {
  TempFolder temp;
  SystemDisk disk;
  CHECK(disk.open_folder(temp.path("new")).has_value());
  CHECK(mode_of(temp.path("new")) == 0700);
  REQUIRE(::chmod(temp.path("new").c_str(), 0777) == 0);
  CHECK(disk.open_folder(temp.path("new")).has_value());
  CHECK(mode_of(temp.path("new")) == 0700);
}

TEST_CASE("a folder that all share, as /tmp, is not taken from them") {
  TempFolder temp;
  SystemDisk disk;
  REQUIRE(::chmod(temp.path().c_str(), 01777) == 0);
  CHECK_FALSE(disk.open_folder(temp.path()).has_value());
  CHECK(mode_of(temp.path()) == 01777);
}

TEST_CASE("what is missing on the way to a folder is made, too") {
  TempFolder temp;
  SystemDisk disk;
  CHECK(disk.open_folder(temp.path("a/b/spool")).has_value());
  CHECK(mode_of(temp.path("a/b/spool")) == 0700);
  CHECK(disk.open_folder(temp.path("c/spool/")).has_value());
  CHECK(mode_of(temp.path("c/spool")) == 0700);
}

TEST_CASE("a symbolic link, a file and a folder below a file are refused") {
  TempFolder temp;
  SystemDisk disk;
  REQUIRE(::mkdir(temp.path("real").c_str(), 0700) == 0);
  REQUIRE(::symlink(temp.path("real").c_str(), temp.path("link").c_str()) == 0);
  plant(temp.path("file"));
  CHECK_FALSE(disk.open_folder(temp.path("link")).has_value());
  CHECK_FALSE(disk.open_folder(temp.path("file")).has_value());
  CHECK_FALSE(disk.open_folder(temp.path("file/below")).has_value());
}

TEST_CASE("one descriptor holds the lock, until it is closed") {
  TempFolder temp;
  SystemDisk disk;
  auto one = disk.open_folder(temp.path("spool"));
  auto two = disk.open_folder(temp.path("spool"));
  REQUIRE(one.has_value());
  REQUIRE(two.has_value());
  CHECK(disk.lock(*one).has_value());
  CHECK(disk.lock(*two).error() == boost::system::errc::operation_would_block);
  *one = relay::Descriptor();
  one = relay::Descriptor();
  CHECK(disk.lock(*two).has_value());
}

TEST_CASE("files are made for us alone, and never over another") {
  TempFolder temp;
  SystemDisk disk;
  const auto folder = disk.open_folder(temp.path("spool"));
  REQUIRE(folder.has_value());
  CHECK(disk.create(*folder, "a").has_value());
  CHECK(mode_of(temp.path("spool/a")) == 0600);
  CHECK_FALSE(disk.create(*folder, "a").has_value());
}

TEST_CASE("links, hard or symbolic, are not ours to open") {
  TempFolder temp;
  SystemDisk disk;
  const auto folder = disk.open_folder(temp.path("spool"));
  REQUIRE(folder.has_value());
  plant(temp.path("outside"));
  plant(temp.path("spool/fine"));
  REQUIRE(::symlink(temp.path("outside").c_str(), temp.path("spool/soft").c_str()) == 0);
  REQUIRE(::link(temp.path("outside").c_str(), temp.path("spool/hard").c_str()) == 0);
  REQUIRE(::mkfifo(temp.path("spool/pipe").c_str(), 0600) == 0);
  CHECK(disk.open(*folder, "fine").has_value());
  for (const auto* name : {"soft", "hard", "pipe", "missing"}) {
    CAPTURE(name);
    CHECK_FALSE(disk.open(*folder, name).has_value());
  }
  const auto listed = disk.list(*folder);
  REQUIRE(listed.has_value());
  CHECK(listed->size() == 4);
  for (const auto& entry : *listed) CHECK(entry.ours == (entry.name == "fine"));
}

TEST_CASE("parts are written as one, and read back from anywhere, up to the end") {
  TempFolder temp;
  SystemDisk disk;
  const auto folder = disk.open_folder(temp.path("spool"));
  const auto file = disk.create(*folder, "a");
  REQUIRE(file.has_value());
  const std::array<std::string_view, 3> parts{"one", "", "two"};
  CHECK(disk.write(*file, 0, parts) == std::size_t{6});
  std::string back(9, '-');
  CHECK(disk.read(*file, 2, back.data(), back.size()) == std::size_t{4});
  CHECK(back == "etwo-----");
  CHECK(disk.truncate(*file, 3).has_value());
  CHECK(disk.read(*file, 0, back.data(), back.size()) == std::size_t{3});
}

TEST_CASE("what was deleted beneath us stays usable, and is known to be gone") {
  TempFolder temp;
  SystemDisk disk;
  const auto folder = disk.open_folder(temp.path("spool"));
  const auto file = disk.create(*folder, "a");
  CHECK(disk.is_linked(*file));
  CHECK(disk.is_at(*folder, temp.path("spool")));
  std::filesystem::remove_all(temp.path("spool"));
  CHECK_FALSE(disk.is_linked(*file));
  CHECK_FALSE(disk.is_at(*folder, temp.path("spool")));
  const std::string_view part = "still";
  CHECK(disk.write(*file, 0, {&part, 1}) == std::size_t{5});
  CHECK_FALSE(disk.create(*folder, "b").has_value());
}

TEST_SUITE_END();
