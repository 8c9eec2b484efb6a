#include "proto/json_text.hpp"

#include <string>

#include <doctest/doctest.h>

using proto::indented_json;
using proto::minified_json;

TEST_SUITE_BEGIN("proto/json_text");

TEST_CASE("blanks between tokens go, those in strings stay") {
  CHECK(minified_json("{ \"a b\" :\n [ 1 , \"\\\" , \" ] }") == R"({"a b":[1,"\" , "]})");
  CHECK(minified_json("12") == "12");
  CHECK(minified_json("") == "");
  CHECK(minified_json("{\"a\":}") == "");
  CHECK(minified_json("no JSON") == "");
  CHECK(minified_json("\"\xFF\"") == "");
}

TEST_CASE("two blanks a level, and nothing in what is empty") {
  CHECK(indented_json(R"({"a":[1,"x,{\"}"],"b":{},"c":[],"d":{"e":null}})") ==
        "{\n  \"a\": [\n    1,\n    \"x,{\\\"}\"\n  ],\n  \"b\": {},\n  \"c\": [],\n"
        "  \"d\": {\n    \"e\": null\n  }\n}");
  CHECK(indented_json("[[1],[\"a\"],\"]\"]") ==
        "[\n  [\n    1\n  ],\n  [\n    \"a\"\n  ],\n  \"]\"\n]");
  CHECK(indented_json("\"a\\\\\"") == "\"a\\\\\"");
}

TEST_CASE("indented, it is the same JSON") {
  for (const auto* json : {R"({"a":[{"b":"\\"},[],{}],"":"{[,:"})", "[[[[]]],{\"x\":[{}]}]", "0"}) {
    CHECK(minified_json(indented_json(json)) == json);
  }
}

TEST_CASE("deep nesting does not blow it up") {
  const std::string deep = std::string(1000, '[') + "1" + std::string(1000, ']');
  CHECK(indented_json(deep).size() < 100 * deep.size());
  CHECK(minified_json(indented_json(deep)) == deep);
  CHECK(indented_json(deep).find("\n" + std::string(40, ' ') + "1\n") != std::string::npos);
}

TEST_SUITE_END();
