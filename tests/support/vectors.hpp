// Bodies whose verdict was observed on Relay 26.9.0 in proxy mode, each with its number in the
// record of it. They are posted to project 42 with kKey.
#pragma once

#include <string>
#include <vector>

#include "proto/errc.hpp"
#include "tests/support/envelopes.hpp"

namespace support {

struct AcceptedVector {
  int number;
  std::string body;
  std::size_t items;
};

struct RefusedVector {
  int number;
  std::string body;
  proto::Errc error;
};

inline std::string times(const std::string& text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

inline std::vector<AcceptedVector> accepted_vectors() {
  return {
      {1, "{}\n{\"type\":\"event\"}\n{\"message\":\"a\"}", 1},
      {2, "{}\n{\"type\":\"event\",\"length\":15}\n{\"message\":\"a\"}\n", 1},
      {3, "{}", 0},
      {3, "{}\n", 0},
      {4, "{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"attachment\",\"length\":0}",
       2},
      {5, "{}\n{\"type\":\"attachment\",\"length\":5}\nab\ncd\n", 1},
      {10, "{}\n\n{\"type\":\"event\"}\n{}", 1},
      {11, "{}\n{\"type\":\"brand_new\",\"x_y\":1}\nhello\n", 1},
      {12, "{\"dsn\":\"http://" + kKey + "@127.0.0.1:9000/42\"}\n{\"type\":\"event\"}\n{}", 1},
      {19, "{}\n{\"type\":\"event\"}", 1},
      {19, "{}\n{\"type\":\"event\"}\n", 1},
      {22, " {}\n{\"type\":\"event\"}\n{}", 1},
      {24, "{\"trace\":5}\n{\"type\":\"event\"}\n{}", 1},
      {24, "{\"dsn\":null}\n{\"type\":\"event\"}\n{}", 1},
      {25, "{}\n{\"type\":\"event\"}\nnot json", 1},
      {26, "{}\n{\"type\":\"event\",\"a\":1,\"a\":2}\n{}", 1},
  };
}

inline std::vector<RefusedVector> refused_vectors() {
  using proto::Errc;
  return {
      {6, "{}\n{\"type\":\"attachment\",\"length\":5}\nabcd", Errc::envelope_unexpected_eof},
      {7, "{}\n{\"type\":\"attachment\",\"length\":3}\nabcd\n", Errc::envelope_missing_newline},
      {8, "{}\n{\"type\":\"event\"}\n{\"message\":\"a\"}\n\n", Errc::envelope_unexpected_eof},
      {9, "{}\r\n{\"type\":\"event\"}\n{}", Errc::envelope_missing_newline},
      {13, "{\"dsn\":\"https://" + kKey + "@o1.ingest.sentry.io/43\"}\n{\"type\":\"event\"}\n{}",
       Errc::envelope_project_mismatch},
      {14, "{\"sent_at\":\"2026-11-23T18:00:00Z\",\"sent_at\":\"2026-11-23T18:00:01Z\"}\n",
       Errc::envelope_invalid_header},
      {15, "{}\n{\"type\":\"event\",\"length\":\"15\"}\n{\"message\":\"a\"}\n",
       Errc::envelope_invalid_item},
      {17, "{}\n{\"type\":\"integration\"}\n{}", Errc::envelope_internal_items},
      {18, "", Errc::envelope_empty_body},
      {20, "{}\n{\"length\":2}\n{}", Errc::envelope_invalid_item},
      {20, "{}\n{\"type\":\"attachment\",\"length\":-1}\nx", Errc::envelope_invalid_item},
      {21, "{}\n{\"type\":\"event\"} \n{}", Errc::envelope_missing_newline},
      {23, "\xEF\xBB\xBF{}\n{\"type\":\"event\"}\n{}", Errc::envelope_invalid_header},
      {23, "[]\n{\"type\":\"event\"}\n{}", Errc::envelope_invalid_header},
      {23, "{\"dsn\":\"garbage\"}\n", Errc::envelope_invalid_dsn},
      {23, "{\"event_id\":\"xyz\"}\n", Errc::envelope_invalid_header},
      {23, "{\"sent_at\":\"yesterday\"}\n", Errc::envelope_invalid_header},
      {27, "{}\n{\"type\":\"attachment\",\"length\":3}\nabc\r\n", Errc::envelope_missing_newline},
      {28, "{}\n{\"type\":\"attachment\",\"length\":18446744073709551615}\nx",
       Errc::envelope_unexpected_eof},
      {30, "{}\n" + times("{\"type\":\"session\"}\n{}\n", 501), Errc::envelope_too_many_items},
      {32, "{}\n{\"type\":\"event\"}\n{\"message\":\"a\"}\n   \n", Errc::envelope_unexpected_eof},
  };
}

}  // namespace support
