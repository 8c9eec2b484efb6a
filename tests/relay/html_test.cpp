// Foreign text stays text.
#include "relay/html.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
namespace html = relay::html;

TEST_SUITE_BEGIN("relay/html");

TEST_CASE("markup, quotes, control characters and turns of direction become harmless") {
  CHECK(html::escaped(R"(<script>alert("x")</script>)") ==
        "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;");
  CHECK(html::escaped("a&amp;b' onload='x") == "a&amp;amp;b&#39; onload=&#39;x");
  CHECK(html::escaped("a\nb\tc") == "a b c");
  CHECK(html::escaped(std::string_view("a\0b\x1b[31m\x7f", 9)) == "a�b�[31m�");
  CHECK(html::escaped("exe.\u202Etxt") == "exe.�txt");
  CHECK(html::escaped("\u2066x\u2069") == "�x�");
  CHECK(html::escaped("\xC3(") == "�(");
  CHECK(html::escaped("\xED\xA0\x80").find('\xED') == std::string::npos);
  CHECK(html::escaped("\uFFFE\uFFFF") == "��");
  CHECK(html::escaped("\uFF21\U0001F600é") == "\uFF21\U0001F600é");
  CHECK(html::foreign("\u05D0<") == "<bdi>\u05D0&lt;</bdi>");
}

TEST_CASE("several lines stay lines, and nothing else in them does harm") {
  CHECK(html::escaped_lines("{\n  \"a\": \"<b>\x01\"\n}\n") ==
        "{\n  &quot;a&quot;: &quot;&lt;b&gt;\uFFFD&quot;\n}\n");
  CHECK(html::escaped_lines("").empty());
}

TEST_CASE("numbers, lengths and sizes in words") {
  CHECK(html::grouped(0) == "0");
  CHECK(html::grouped(999) == "999");
  CHECK(html::grouped(1000) == "1,000");
  CHECK(html::grouped(12'345'678) == "12,345,678");
  CHECK(html::counted(1, "item") == "1 item");
  CHECK(html::counted(2000, "item") == "2,000 items");
  CHECK(html::length(-1s) == "0 ms");
  CHECK(html::length(250us) == "0.25 ms");
  CHECK(html::length(9'999us) == "9.99 ms");
  CHECK(html::length(10ms) == "10 ms");
  CHECK(html::length(999'999us) == "999 ms");
  CHECK(html::length(1s) == "1 s");
  CHECK(html::length(59'950ms) == "59.9 s");
  CHECK(html::length(200s) == "3 min 20 s");
  CHECK(html::length(3600s) == "1 h");
  CHECK(html::length(25h) == "1 d 1 h");
  CHECK(html::bytes(1023) == "1023 B");
  CHECK(html::bytes(1024) == "1 KiB");
  CHECK(html::bytes(1536) == "1.5 KiB");
  CHECK(html::bytes(1024UL * 1024) == "1 MiB");
}

TEST_CASE("a figure names its place in /stats") {
  CHECK(html::figure("items/error/accepted", 1234) ==
        R"(<data data-stat="items/error/accepted" value="1234">1,234</data>)");
}

TEST_SUITE_END();
