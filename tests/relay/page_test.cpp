// The page: what it holds, that foreign text in it is text, and that its policy lets it run.
#include "relay/page.hpp"

#include <array>
#include <string>

#include <doctest/doctest.h>
#include <openssl/evp.h>

#include "relay/page_assets.hpp"
#include "tests/support/counts.hpp"

using namespace std::chrono_literals;

namespace {

using proto::Category;
using support::counts;

constexpr std::string_view kHostile = "\"'><script>alert(1)</script>&lt;\u202E\x01";

std::string sha256(std::string_view text) {
  std::array<unsigned char, 32> hash{};
  REQUIRE(EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr) == 1);
  std::array<unsigned char, 48> base64{};
  const int size = EVP_EncodeBlock(base64.data(), hash.data(), static_cast<int>(hash.size()));
  return {base64.begin(), base64.begin() + size};
}

relay::Snapshot snapshot() {
  relay::Snapshot now;
  now.started = relay::WallTime{1795458000000ms};
  now.now = now.started + 90s;
  now.stats.envelopes_accepted = 1234;
  now.stats.ledger.accept(counts(Category::error, 1234));
  now.stats.ledger.deliver(counts(Category::error, 1228));
  now.stats.ledger.refuse(413, counts(Category::error, 1));
  now.stats.ledger.drop(relay::DropReason::send_error, counts(Category::error, 2));
  now.stats.ledger.reject(relay::RejectReason::full);
  now.waiting = counts(Category::error, 3);
  now.envelopes_waiting = 3;
  now.stats.accept_time.add(300us);
  now.stats.accept_time.add(20s);
  now.host.pace = "adaptive";
  return now;
}

bool holds(const std::string& page, std::string_view what) {
  return page.find(what) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("relay/page");

TEST_CASE("style and script are those that the policy names, and end nothing") {
  CHECK(relay::kStyleHash == sha256(relay::kStyle));
  CHECK(relay::kScriptHash == sha256(relay::kScript));
  for (const auto text : {relay::kStyle, relay::kScript}) {
    CHECK(text.find_first_of("<&") == std::string_view::npos);
  }
  CHECK(relay::kStyle.find("url(") == std::string_view::npos);
  const std::string headers = relay::page_headers();
  CHECK(holds(headers, "default-src 'none'"));
  CHECK(holds(headers, "style-src 'sha256-" + std::string(relay::kStyleHash) + "'"));
  CHECK(holds(headers, "script-src 'sha256-" + std::string(relay::kScriptHash) + "'"));
  CHECK(headers.ends_with("\r\n"));
}

TEST_CASE("every fate stands on it, with its place in /stats") {
  const std::string page = to_page(snapshot());
  for (const auto* figure :
       {R"(data-stat="items/error/accepted" value="1234">1,234<)",
        R"(data-stat="items/error/delivered" value="1228">1,228<)",
        R"(data-stat="items/error/refused/413" value="1">1<)",
        R"(data-stat="items/error/dropped/send_error" value="2">2<)",
        R"(data-stat="items/error/waiting" value="3">3<)", R"(data-stat="rejected/full" value="1")",
        R"(data-stat="local/accept/buckets/0.5" value="1")",
        R"(data-stat="local/accept/buckets/more" value="1")"}) {
    CAPTURE(figure);
    CHECK(holds(page, figure));
  }
  CHECK(holds(page, "<h1 id=\"headline\">3 of 1,234 items lost, 3 envelopes waiting, 1 request"));
  CHECK_FALSE(holds(page, ">transaction<"));
}

TEST_CASE("invokes are shown with the freeze before, newest first, only where there are any") {
  auto now = snapshot();
  CHECK_FALSE(holds(to_page(now), "id=\"timeline\""));
  const auto at = [&](relay::milliseconds time) { return now.started + time; };
  now.host.invokes = 2;
  now.host.held = {{"delivery", 1, 70ms}};
  now.host.recent = {{"r1", at(0ms), at(100ms), at(170ms), 70ms, "delivery", 2, 1},
                     {"r2", at(5170ms), {}, at(5200ms), {}, "nothing", 0, 1}};
  const std::string page = to_page(now);
  CHECK(holds(page, R"(data-stat="held/recent/0/held_ms" value="70">70 ms</data> delivery)"));
  CHECK(holds(page, "<td class=\"n\">5 s</td><td class=\"n\">30 ms</td><td class=\"n\">unknown"));
  CHECK(page.find("<bdi>r2") < page.find("<bdi>r1"));
}

TEST_CASE("foreign text is text wherever it stands") {
  auto now = snapshot();
  const std::string hostile{kHostile};
  now.hosts.push_back({hostile, true, 4s, 1, 80ms});
  now.limits.push_back({hostile, "error", 58s});
  now.host.invokes = 1;
  now.host.recent.push_back({hostile, now.started, {}, now.now, {}, "nothing", 0, 0});
  now.host.settings = {{hostile, hostile, false}, {"THAW_PORT", "9797", true}};
  const std::string page = to_page(now);
  CHECK_FALSE(holds(page, "<script>alert"));
  CHECK_FALSE(holds(page, "\u202E"));
  CHECK_FALSE(holds(page, "\x01"));
  const std::string_view shown =
      "<bdi>&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;lt;��</bdi>";
  std::size_t times = 0;
  for (auto i = page.find(shown); i != std::string::npos; i = page.find(shown, i + 1)) ++times;
  CHECK(times == 5);
  // What was chosen stands before what was not.
  CHECK(page.find("<h3>Changed") < page.find("<h3>At their default"));
}

TEST_CASE("an empty page is small") {
  CHECK(to_page(relay::Snapshot{}).size() < std::size_t{25} * 1024);
}

TEST_SUITE_END();
