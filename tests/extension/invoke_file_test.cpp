#include "extension/invoke_file.hpp"

#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "relay/crc32c.hpp"
#include "relay/little_endian.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/temp_folder.hpp"

namespace {

namespace fs = std::filesystem;
using namespace extension;
using relay::WallTime;
using std::chrono::milliseconds;

KeptInvoke invoke() {
  return {.request_id = "8216618a-b84d",
          .deadline = WallTime{milliseconds{1795458003000}},
          .function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:f",
          .xray_trace = "Root=1-5759e988-bd862e3fe1be46a994272793",
          .begun = WallTime{milliseconds{1795458000000}},
          .cold = true,
          .telemetry = true};
}

KeptInvoke named(std::string request_id) {
  KeptInvoke invoke;
  invoke.request_id = std::move(request_id);
  return invoke;
}

std::string content(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A process: what it keeps, the next one recovers.
struct Bench {
  support::TempFolder temp;
  support::FaultyDisk disk;
  std::string folder = temp.path("thaw");
  std::string path = folder + "/invoke";
  InvokeFile file{disk, folder};

  std::optional<KeptInvoke> next_process() { return InvokeFile{disk, folder}.recover(); }
};

}  // namespace

TEST_SUITE_BEGIN("extension/invoke_file");

TEST_CASE("a record has the documented bytes") {
  KeptInvoke small;
  small.request_id = "r";
  small.deadline = WallTime{std::chrono::seconds{1}};
  small.begun = WallTime{std::chrono::nanoseconds{5}};
  small.ended = true;
  const std::string record = encode_invoke(small);
  CHECK(record.substr(0, 16) == std::string("THAWINVK\x01\0\0\0\x35\0\0\0", 16));
  CHECK(record.substr(20) ==
        std::string("\x09\0\0\0\x05\0\0\0\0\0\0\0\x00\xCA\x9A\x3B\0\0\0\0", 20) +
            std::string("\x01\0\0\0r\0\0\0\0\0\0\0\0", 13));
  const std::string rest = record.substr(0, 16) + record.substr(20);
  for (unsigned i = 0; i < 4; ++i) {
    CHECK(record[16 + i] == static_cast<char>(relay::crc32c(rest) >> (8 * i)));
  }
}

TEST_CASE("what is written is read, whatever follows it") {
  KeptInvoke ended = named("r");
  ended.ended = true;
  KeptInvoke reported;
  reported.deadline = WallTime{};
  reported.reported = true;
  const KeptInvoke rows[] = {{}, invoke(), ended, reported};
  for (const KeptInvoke& row : rows) {
    CHECK(parse_invoke(encode_invoke(row)) == row);
    CHECK(parse_invoke(encode_invoke(row) + "of a longer one") == row);
  }
}

TEST_CASE("a text is kept up to its limit; a longer one is not known") {
  for (const std::size_t size : {kMaxKeptText - 1, kMaxKeptText, kMaxKeptText + 1}) {
    KeptInvoke wide = invoke();
    wide.request_id = wide.function_arn = wide.xray_trace = std::string(size, 'x');
    const std::string record = encode_invoke(wide);
    CHECK(record.size() <= kMaxInvokeRecord);
    const std::string kept(size > kMaxKeptText ? 0 : size, 'x');
    CHECK(parse_invoke(record).value().request_id == kept);
    CHECK(parse_invoke(record).value().xray_trace == kept);
  }
}

TEST_CASE("a record that is cut, or has one bit flipped, is nothing") {
  const std::string record = encode_invoke(invoke());
  for (std::size_t i = 0; i < record.size(); ++i) {
    std::string flipped = record;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    CHECK_FALSE(parse_invoke(flipped).has_value());
    CHECK_FALSE(parse_invoke(record.substr(0, i)).has_value());
  }
}

TEST_CASE("a record whose checksum is right is read only if the rest of it can be") {
  struct Row {
    std::string_view what;
    std::size_t at;
    std::string bytes;
  };

  const std::string never(8, '\xFF');  // no clock shows it
  const Row rows[] = {{"another magic", 0, "THAWINVX"},
                      {"a later version", 8, std::string("\x02\0\0\0", 4)},
                      {"no such time", 24, never},
                      {"no such deadline", 32, never},
                      {"a text that is longer than the record", 40, std::string("\xFF\0\0\0", 4)},
                      {"one that leaves bytes behind it", 40, std::string(4, '\0')}};
  const auto sealed = [](std::string record) {
    relay::put_at(std::span(record), 16, relay::crc32c(record.substr(0, 16) + record.substr(20)));
    return record;
  };
  const std::string record = encode_invoke(named("r"));
  CHECK(parse_invoke(sealed(record)) == named("r"));
  for (const Row& row : rows) {
    CAPTURE(std::string(row.what));
    std::string other = record;
    other.replace(row.at, row.bytes.size(), row.bytes);
    CHECK_FALSE(parse_invoke(sealed(other)).has_value());
  }
}

TEST_CASE("the next process recovers what was kept last") {
  Bench bench;
  CHECK_FALSE(bench.file.recover().has_value());
  CHECK(bench.file.keep(invoke()).has_value());
  KeptInvoke ended = invoke();
  ended.xray_trace.clear();
  ended.ended = true;
  CHECK(bench.file.keep(ended).has_value());
  CHECK(bench.next_process() == ended);
  CHECK(bench.disk.writes == 2);
  struct stat found{};
  REQUIRE(::lstat(bench.path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0600);
}

TEST_CASE("a process that recovers writes on in the same file") {
  Bench bench;
  CHECK(bench.file.keep(invoke()).has_value());
  InvokeFile next{bench.disk, bench.folder};
  CHECK(next.recover() == invoke());
  KeptInvoke reported = invoke();
  reported.reported = true;
  CHECK(next.keep(reported).has_value());
  CHECK(bench.next_process() == reported);
}

TEST_CASE("what was put in its place is nothing, and is replaced, not followed") {
  Bench bench;
  fs::create_directory(bench.folder);
  const std::string victim = bench.temp.path("victim");
  std::ofstream(victim) << encode_invoke(invoke());
  const auto plant = [&](std::string_view what) {
    if (what == "symbolic link") fs::create_symlink(victim, bench.path);
    if (what == "hard link") fs::create_hard_link(victim, bench.path);
    if (what == "pipe") REQUIRE(::mkfifo(bench.path.c_str(), 0600) == 0);
    if (what == "empty file") std::ofstream(bench.path) << "";
    if (what == "text") std::ofstream(bench.path) << "nothing of ours, but longer than a header is";
    if (what == "too long") {
      std::ofstream(bench.path) << encode_invoke(invoke()) << std::string(kMaxInvokeRecord, 'x');
    }
  };
  for (const std::string what :
       {"symbolic link", "hard link", "pipe", "empty file", "text", "too long"}) {
    CAPTURE(what);
    plant(what);
    InvokeFile file{bench.disk, bench.folder};
    CHECK_FALSE(file.recover().has_value());
    CHECK(file.keep(named("r")).has_value());
    CHECK(bench.next_process() == named("r"));
    CHECK(content(victim) == encode_invoke(invoke()));
    fs::remove(bench.path);
  }
}

TEST_CASE("a file is believed up to the size of the longest record") {
  for (const std::size_t size : {kMaxInvokeRecord - 1, kMaxInvokeRecord, kMaxInvokeRecord + 1}) {
    Bench bench;
    fs::create_directory(bench.folder);
    std::string bytes = encode_invoke(invoke());
    bytes.resize(size, 'x');
    std::ofstream(bench.path, std::ios::binary) << bytes;
    CHECK(bench.file.recover().has_value() == (size <= kMaxInvokeRecord));
  }
}

TEST_CASE("deleted beneath us, with its folder: made anew") {
  Bench bench;
  CHECK(bench.file.keep(invoke()).has_value());
  fs::remove_all(bench.folder);
  CHECK(bench.file.keep(invoke()).has_value());
  CHECK(bench.next_process() == invoke());
}

TEST_CASE("a disk that fails is an error, and leaves nothing that would be taken for news") {
  Bench bench;
  CHECK(bench.file.keep(invoke()).has_value());
  SUBCASE("it takes nothing") { bench.disk.takes = 0; }
  SUBCASE("it takes a part") { bench.disk.takes = 30; }
  SUBCASE("it takes all but one byte, and cannot be cut") {
    bench.disk.takes = encode_invoke(invoke()).size() - 1;
    bench.disk.truncates = false;
  }
  bench.disk.full_from = 2;
  KeptInvoke next = invoke();
  next.request_id = "the-next-one!";
  next.xray_trace.back() = '4';
  CHECK(bench.file.keep(next).error() == boost::system::errc::no_space_on_device);
  CHECK_FALSE(bench.next_process().has_value());
  bench.disk.full_from = SIZE_MAX;
  CHECK(bench.file.keep(next).has_value());
  CHECK(bench.next_process() == next);
}

TEST_CASE("a place that cannot be written is an error") {
  Bench bench;
  SUBCASE("nothing can be created") {
    bench.disk.creates = false;
    CHECK(bench.file.keep(invoke()).error() == boost::system::errc::read_only_file_system);
  }
  SUBCASE("a folder stands there") {
    fs::create_directories(bench.path + "/more");
    CHECK(bench.file.keep(invoke()).error() == boost::system::errc::file_exists);
  }
  SUBCASE("its folder would be below a file") {
    std::ofstream(bench.temp.path("a")) << "a file";
    InvokeFile lost{bench.disk, bench.temp.path("a/b/c")};
    CHECK(lost.keep(invoke()).error() == boost::system::errc::not_a_directory);
    CHECK_FALSE(lost.recover().has_value());
  }
  CHECK_FALSE(bench.next_process().has_value());
}

TEST_SUITE_END();
