#include "tests/sandbox/faults.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace sandbox {
namespace {

constexpr std::array<std::pair<std::string_view, FaultKind>, 9> kKinds{{
    {"status", FaultKind::status},
    {"reset-before", FaultKind::reset_before},
    {"reset-within", FaultKind::reset_within},
    {"reset-after", FaultKind::reset_after},
    {"reset", FaultKind::reset_after},
    {"hang", FaultKind::hang},
    {"slow", FaultKind::slow},
    {"refuse", FaultKind::refuse},
    {"header", FaultKind::header},
}};

/// Takes the decimal number at the front of `text`; nullopt if there is none or it is 0.
std::optional<unsigned> take_number(std::string_view& text) {
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || number == 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// "*N", "everyK" or "untilN", with or without a colon in front; "" picks all. False if it is none.
bool read_selector(std::string_view text, Fault& fault) {
  if (text.starts_with(':')) text.remove_prefix(1);
  if (text.empty()) return true;
  using Bound = std::pair<std::string_view, std::uint64_t Selector::*>;
  constexpr std::array<Bound, 3> kBounds{
      {{"*", &Selector::first}, {"every", &Selector::every}, {"until", &Selector::until}}};
  const auto* const bound = std::ranges::find_if(
      kBounds, [text](const Bound& known) { return text.starts_with(known.first); });
  if (bound == kBounds.end()) return false;
  text.remove_prefix(bound->first.size());
  const auto number = take_number(text);
  if (!number || !text.empty()) return false;
  fault.selector.*(bound->second) = *number;
  fault.selective = true;
  return true;
}

boost::system::error_code invalid() {
  return boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
}

}  // namespace

proto::Result<void> Faults::add(std::string_view list) {
  if (list.starts_with("header:")) return add_one(list);
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (auto added = add_one(list.substr(0, comma)); !added) return added;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return {};
}

proto::Result<void> Faults::add_one(std::string_view text) {
  const std::string_view word = text.substr(0, text.find_first_of(":*"));
  const auto* const known =
      std::ranges::find(kKinds, word, &std::pair<std::string_view, FaultKind>::first);
  if (known == kKinds.end()) return invalid();
  Fault fault;
  fault.kind = known->second;
  std::string_view rest = text.substr(word.size());
  if (fault.kind == FaultKind::header) {
    const std::size_t equals = rest.find('=');
    if (equals == std::string_view::npos || !rest.starts_with(':')) return invalid();
    fault.header = {std::string(rest.substr(1, equals - 1)), std::string(rest.substr(equals + 1))};
    faults_.push_back(std::move(fault));
    return {};
  }
  if (fault.kind == FaultKind::status || fault.kind == FaultKind::slow) {
    if (!rest.starts_with(':')) return invalid();
    rest.remove_prefix(1);
    const auto value = take_number(rest);
    if (!value) return invalid();
    fault.value = *value;
  }
  if (!read_selector(rest, fault)) return invalid();
  faults_.push_back(std::move(fault));
  return {};
}

RequestPlan Faults::plan(std::uint64_t request, std::uint64_t invokes_over) const {
  RequestPlan plan;
  const bool any_status = std::ranges::any_of(
      faults_, [](const Fault& fault) { return fault.kind == FaultKind::status; });
  for (const Fault& fault : faults_) {
    if (!fault.selector.picks(request, invokes_over)) continue;
    switch (fault.kind) {
      case FaultKind::status:
        plan.status = fault.value;
        break;
      case FaultKind::reset_before:
        plan.reset_before = true;
        break;
      case FaultKind::reset_within:
        plan.reset_within = true;
        break;
      case FaultKind::reset_after:
        plan.reset_after = true;
        break;
      case FaultKind::hang:
        plan.hang = true;
        break;
      case FaultKind::slow:
        plan.slow = std::chrono::milliseconds(fault.value);
        break;
      case FaultKind::header:
      case FaultKind::refuse:
        break;
    }
  }
  // A header goes with the status faults; without any, with every answer.
  if (any_status && plan.status == 0) return plan;
  for (const Fault& fault : faults_)
    if (fault.kind == FaultKind::header) plan.headers.push_back(fault.header);
  return plan;
}

bool Faults::refuses(std::uint64_t connection, std::uint64_t invokes_over) const {
  return std::ranges::any_of(faults_, [&](const Fault& fault) {
    return fault.kind == FaultKind::refuse && fault.selector.picks(connection, invokes_over);
  });
}

bool Faults::refuses_everything() const {
  return std::ranges::any_of(faults_, [](const Fault& fault) {
    return fault.kind == FaultKind::refuse && !fault.selective;
  });
}

}  // namespace sandbox
