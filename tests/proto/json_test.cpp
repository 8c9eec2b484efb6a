#include "proto/json.hpp"

#include <string>

#include <doctest/doctest.h>

#include "proto/bytes.hpp"
#include "proto/json_members.hpp"

using proto::json_array_size;
using proto::json_object_end;
using proto::json_quote;

namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool reads(proto::JsonMembers& members, const proto::Bytes& object) {
  return members.read(object.view(), object.capacity() + proto::Bytes::kPadding);
}

bool is_valid(std::string_view object) {
  proto::JsonMembers members;
  return reads(members, proto::Bytes::copy_of(object));
}

std::string nested(int depth) {
  const auto count = static_cast<std::size_t>(depth - 1);
  return R"({"a":)" + std::string(count, '[') + std::string(count, ']') + "}";
}

}  // namespace

TEST_SUITE("proto/json") {
  TEST_CASE("an object ends behind the brace that closes it") {
    CHECK(json_object_end("{}") == 2);
    CHECK(json_object_end("{}{}") == 2);
    CHECK(json_object_end(" \t\r\n{} ") == 6);
    CHECK(json_object_end(R"({"a":{"b":[1,{}]}}tail)") == 18);
  }

  TEST_CASE("braces and escaped quotes inside strings do not count") {
    CHECK(json_object_end(R"({"}":"{["}x)") == 10);
    CHECK(json_object_end(R"({"a":"\"}"}x)") == 11);
    CHECK(json_object_end(R"({"a":"\\"}x)") == 10);
  }

  TEST_CASE("what is no object or does not end has no end") {
    for (const std::string text : {"", "  ", "[]", "1", "\"{}\"", "{", R"({"a)", R"({"a":"\)",
                                   R"({"a":{})", "\xEF\xBB\xBF{}"}) {
      CAPTURE(text);
      CHECK(json_object_end(text) == kNone);
    }
  }

  TEST_CASE("an array's elements are counted without being read") {
    const auto size = [](std::string_view object) { return json_array_size(object, "a"); };
    CHECK(size(R"({"a":[]})") == 0);
    CHECK(size(R"({"a":[ ]})") == 0);
    CHECK(size(R"({"a":[1]})") == 1);
    CHECK(size(R"({"a":[1,2]})") == 2);
    CHECK(size(R"( { "b" : "a" , "a" : [ "x,y" , [1,2] , {"c":1,"d":[2,3]} ] } )") == 3);
    CHECK(size(R"({"a":["\"],[",2]})") == 2);
    CHECK(size(R"({"b":{"a":[1]},"c":[{"a":[1]}],"a":[1,2]})") == 2);
    CHECK(size(R"({"a":1,"b":["a"],"a":[1,2]})") == 2);
  }

  TEST_CASE("what holds no such array has none of its elements, and nothing is read past its end") {
    for (const std::string text :
         {"", "{", "{}", "[]", "[\"a\",[1]]", "}{\"a\":[1]}", "]]]", R"({"a")", R"({"a":)",
          R"({"a":{"a":[1]}})", R"({"a":"[1]"})", R"({"b":[1]})", R"({"a\)", R"({"ab":[1]})"}) {
      CAPTURE(text);
      CHECK(json_array_size(text, "a") == 0);
    }
    CHECK(json_array_size(R"({"a":[)", "a") == 1);
    CHECK(json_array_size(R"({"a":[1,"\)", "a") == 2);
  }

  TEST_CASE("quoting escapes what JSON must and leaves other UTF-8 alone") {
    CHECK(json_quote("") == R"("")");
    CHECK(json_quote("a/b") == R"("a/b")");
    CHECK(json_quote("\"\\\b\f\n\r\t") == R"("\"\\\b\f\n\r\t")");
    CHECK(json_quote(std::string_view{"\0\x1f\x7f", 3}) == "\"\\u0000\\u001f\x7f\"");
    CHECK(json_quote("ä€😀") == "\"ä€😀\"");
  }

  TEST_CASE("bytes that are not UTF-8 are replaced, so that the document stays JSON") {
    CHECK(json_quote("a\xFFz") == R"("a\ufffdz")");
  }

  TEST_CASE("members come in order, unescaped, with the place of their values") {
    const auto object = proto::Bytes::copy_of(
        R"({ "a" : "x\u0041\"" , "d\u0073n":null,"n": 12 ,"t":true,"o":{"k":[1]},"e":[],"a":1.5e3})");
    proto::JsonMembers members;
    REQUIRE(reads(members, object));
    const auto& all = members.all();
    REQUIRE(all.size() == 7);
    CHECK(all[0].key == "a");
    CHECK(all[0].text == "xA\"");
    CHECK(all[0].raw == R"("x\u0041\"")");
    CHECK(*all[0].key_begin == '"');
    CHECK(all[0].key_begin == object.data() + 2);
    CHECK(all[1].key == "dsn");
    CHECK(all[1].kind == proto::JsonKind::null);
    CHECK(all[1].raw == "null");
    CHECK(all[2].integer() == 12);
    CHECK(all[2].raw == "12");
    CHECK(all[3].kind == proto::JsonKind::boolean);
    CHECK(all[4].kind == proto::JsonKind::object);
    CHECK(all[5].kind == proto::JsonKind::array);
    CHECK(all[6].key == "a");
    CHECK(all[6].kind == proto::JsonKind::number);
    CHECK_FALSE(all[6].integer().has_value());
  }

  TEST_CASE("only a non-negative number without fraction that fits is an integer") {
    const auto object = proto::Bytes::copy_of(
        R"({"a":18446744073709551615,"b":18446744073709551616,"c":-1,"d":"1","e":1.0,"f":true})");
    proto::JsonMembers members;
    REQUIRE(reads(members, object));
    CHECK(members.all()[0].integer() == 18446744073709551615ULL);
    for (std::size_t i = 1; i < members.all().size(); ++i) {
      CHECK_FALSE(members.all()[i].integer().has_value());
    }
  }

  TEST_CASE("values nobody asks for are checked all the same") {
    for (const std::string text : {R"({"a":tru})",
                                   R"({"a":nulll})",
                                   R"({"a":01})",
                                   R"({"a":1.})",
                                   R"({"a":-})",
                                   R"({"a":1e})",
                                   R"({"a":.5})",
                                   R"({"a":+1})",
                                   R"({"a" 1})",
                                   R"({"a":1 2})",
                                   R"({"a":1,})",
                                   R"({,})",
                                   R"({"a":[1,]})",
                                   R"({"a":[1})",
                                   R"({"a":1])",
                                   R"({"a":{"b":tru}})",
                                   R"({"a":[{"b":01}]})",
                                   R"({"a":"\x"})",
                                   R"({"a":["\ud800"]})",
                                   R"({"\x":1})",
                                   "{\"a\":\"\n\"}",
                                   "{\"a\":\"\xFF\"}",
                                   R"({a:1})",
                                   R"({"a":'1'})",
                                   R"({"a":})",
                                   R"({"a"})",
                                   R"({1:1})",
                                   R"({"a":{"b" 1}})"}) {
      CAPTURE(text);
      CHECK_FALSE(is_valid(text));
    }
  }

  TEST_CASE("integers beyond 64 bits and every form of number are valid") {
    CHECK(is_valid(R"({"a":123456789012345678901234567890,"b":-0,"c":1E+2,"d":0.10,"e":-1.5e-3})"));
    CHECK(is_valid(R"({"a":[[],{},[{}],"",null,false]})"));
    CHECK(is_valid("{}"));
    CHECK(is_valid("{ \t\r\n}"));
  }

  TEST_CASE("nesting is refused beyond what Relay's parser takes") {
    CHECK(is_valid(nested(126)));
    CHECK(is_valid(nested(127)));
    CHECK_FALSE(is_valid(nested(128)));
    CHECK_FALSE(is_valid(nested(100000)));
  }

  TEST_CASE("a reader can be used again, after a failure too") {
    proto::JsonMembers members;
    CHECK_FALSE(reads(members, proto::Bytes::copy_of(R"({"a":tru})")));
    const auto second = proto::Bytes::copy_of(R"({"b":1})");
    REQUIRE(reads(members, second));
    CHECK(members.all().size() == 1);
  }
}
