// The words of relay-base-schema/src/data_category.rs for the categories we know.
#include <algorithm>

#include "proto/category.hpp"

namespace proto {
namespace {

/// In the order of the enumerators.
constexpr std::array<std::string_view, kCategoryCount> kNames{
    "default",         "error",    "transaction",  "security",          "attachment",
    "attachment_item", "session",  "profile",      "profile_chunk",     "profile_chunk_ui",
    "replay",          "monitor",  "span",         "feedback",          "metric_bucket",
    "log_item",        "log_byte", "trace_metric", "trace_metric_byte", "internal",
};
static_assert(static_cast<std::size_t>(Category::internal) == kCategoryCount - 1);
static_assert(kNames[static_cast<std::size_t>(Category::span)] == "span");
static_assert(kNames[static_cast<std::size_t>(Category::trace_metric_byte)] == "trace_metric_byte");

}  // namespace

std::string_view name(Category category) { return kNames[static_cast<std::size_t>(category)]; }

std::optional<Category> category_of_name(std::string_view name) {
  // The former name, still sent by older peers.
  if (name == "user_report_v2") return Category::feedback;
  const auto* found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Category>(found - kNames.begin());
}

}  // namespace proto
