#include "proto/trace_context.hpp"

#include <simdjson.h>

namespace proto {
namespace {

std::string text_of(simdjson::simdjson_result<simdjson::dom::element> field) {
  std::string_view text;
  if (field.get(text)) return {};
  return std::string{text};
}

}  // namespace

TraceContext parse_trace_context(std::string_view header) {
  const simdjson::padded_string padded{header};
  simdjson::dom::parser parser;
  simdjson::dom::object trace;
  if (parser.parse(padded)["trace"].get(trace)) return {};
  return {text_of(trace["trace_id"]), text_of(trace["release"]), text_of(trace["environment"])};
}

}  // namespace proto
