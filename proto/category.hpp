// Item type -> data category: what an item counts as, in our accounts and in upstream's rate
// limits. (getsentry/relay: relay-base-schema/src/data_category.rs,
// relay-server/src/envelope/item.rs; checked 2026-11)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace proto {

/// Only those an item can fall under or a limit can name. The order is the order of /stats.
enum class Category : std::uint8_t {
  default_,  // NOLINT(readability-identifier-naming): the word itself is taken by the language
  error,
  transaction,
  security,
  attachment,
  attachment_item,
  session,
  profile,
  profile_chunk,
  profile_chunk_ui,
  replay,
  monitor,
  span,
  feedback,
  metric_bucket,
  log_item,
  log_byte,
  trace_metric,
  trace_metric_byte,
  internal,  ///< client reports: never limited, never reported
};
inline constexpr std::size_t kCategoryCount = 20;

/// In the order of /stats.
[[nodiscard]] constexpr std::array<Category, kCategoryCount> all_categories() {
  std::array<Category, kCategoryCount> all{};
  for (std::size_t i = 0; i < kCategoryCount; ++i) all[i] = static_cast<Category>(i);
  return all;
}

/// The name Sentry gives it, as in rate-limit headers and client reports.
[[nodiscard]] std::string_view name(Category category);
[[nodiscard]] std::optional<Category> category_of_name(std::string_view name);

/// What the header of one item says about it; views into the envelope.
struct ItemFacts {
  std::string_view type;
  std::string_view attachment_type;
  std::string_view platform;
};

/// The first category listed for the item: the one our accounts count it under, once. Items of
/// unknown type are default_.
[[nodiscard]] Category ledger_category(const ItemFacts& item);

/// Every category whose limit drops the item, at most two, padded with nullopt.
using LimitCategories = std::array<std::optional<Category>, 2>;
[[nodiscard]] LimitCategories limit_categories(const ItemFacts& item);

/// Creates the event its envelope is about: its limit takes the dependants with it.
[[nodiscard]] bool creates_event(const ItemFacts& item);

/// Belongs to the envelope's event and is dropped with it: attachments, user_report, form_data,
/// profile, replay_event (Sentry develop docs, "Envelope Items").
[[nodiscard]] bool depends_on_event(const ItemFacts& item);

/// Who leaves first. Errors, feedback and check-ins before any other.
enum class Urgency : std::uint8_t { bulk, normal, urgent };
[[nodiscard]] Urgency urgency(Category category);

/// How many items of each category: what an envelope puts into the accounts.
class CategoryCounts {
 public:
  void add(Category category, std::uint64_t quantity = 1) { of(category) += quantity; }

  CategoryCounts& operator+=(const CategoryCounts& other);
  CategoryCounts& operator-=(const CategoryCounts& other);

  [[nodiscard]] std::uint64_t operator[](Category category) const {
    return counts_[static_cast<std::size_t>(category)];
  }

  [[nodiscard]] std::uint64_t total() const;
  bool operator==(const CategoryCounts&) const = default;

 private:
  std::uint64_t& of(Category category) { return counts_[static_cast<std::size_t>(category)]; }

  std::array<std::uint64_t, kCategoryCount> counts_{};
};

/// The same for one request, in a quarter of the memory: an envelope has at most 500 items.
class SmallCounts {
 public:
  SmallCounts() = default;
  explicit SmallCounts(const CategoryCounts& counts);

  void add(Category category) { ++counts_[static_cast<std::size_t>(category)]; }

  [[nodiscard]] CategoryCounts wide() const;

 private:
  std::array<std::uint16_t, kCategoryCount> counts_{};
};

}  // namespace proto
