#include "extension/commands/fleet.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace extension {
namespace {

using Waiting = std::map<std::string, std::uint64_t, std::less<>>;

constexpr std::size_t kMostSchemas = 8;

double in_ms(relay::Histogram::Length length) {
  return std::chrono::duration<double, std::milli>(length).count();
}

void add_losses(std::map<std::string, Tally>& into, const std::map<std::string, Tally>& losses) {
  for (const auto& [why, items] : losses) {
    const bool room = into.size() < Tally::kMostNames || into.contains(why);
    into[room ? why : "other"].add(items);
  }
}

/// What an earlier line has left of it, up to `items`.
std::uint64_t take(Waiting& left, const std::string& category, std::uint64_t items) {
  const auto found = left.find(category);
  if (found == left.end()) return 0;
  const std::uint64_t taken = std::min(items, found->second);
  found->second -= taken;
  if (found->second == 0) left.erase(found);
  return taken;
}

}  // namespace

void Fleet::read(std::string_view line) {
  ++lines_;
  if (line.empty()) return;
  const SummaryLine found = reader_.read(line);
  switch (found.kind) {
    case SummaryLine::Kind::other:
      ++others;
      break;
    case SummaryLine::Kind::unreadable:
      ++unreadable;
      break;
    case SummaryLine::Kind::unknown_schema: {
      const bool room =
          unknown_schemas.size() < kMostSchemas || unknown_schemas.contains(found.schema);
      ++unknown_schemas[room ? found.schema : 0];
      break;
    }
    case SummaryLine::Kind::summary:
      add(found);
      break;
  }
}

void Fleet::add(const SummaryLine& line) {
  ++processes;
  const ProcessFigures& process = line.figures;
  if (first.empty() || process.started < first) first = process.started;
  last = std::max(last, process.now);
  if (processes == 1) total.version = process.version;
  if (total.version != process.version) total.version = "several versions";
  total.rejected.add(process.rejected);
  total.held_invokes.add(process.held_invokes);
  total.held_ms.add(process.held_ms);
  total.accept.add(process.accept);
  total.answer.add(process.answer);
  total.hold.add(process.hold);
  total.counters.add(process.counters);

  Sandbox& sandbox = sandbox_of(line);
  sandbox.figures.lost = sum_of(sandbox.figures.lost, process.items.lost());
  sandbox.figures.held_ms = sum_of(sandbox.figures.held_ms, process.held_ms.total());
  add_fates(process.items, line.sandbox.empty() ? unnamed_waiting_ : sandbox.waiting);
  if (sandboxes_.size() > kMostSandboxes) forget_least();
}

void Fleet::add_fates(const Fates& items, Waiting& left) {
  Fates& sum = total.items;
  sum.accepted.add(items.accepted);
  sum.delivered.add(items.delivered);
  add_losses(sum.refused, items.refused);
  add_losses(sum.dropped, items.dropped);
  for (const auto& [category, recovered] : items.recovered.all()) {
    const std::uint64_t taken = take(left, category, recovered);
    sum.waiting.take(category, taken);
    sum.recovered.add(category, recovered - taken);
  }
  sum.waiting.add(items.waiting);
  for (const auto& [category, waiting] : items.waiting.all()) {
    if (waiting > 0) left[category] = sum_of(left[category], waiting);
  }
}

Fleet::Sandbox& Fleet::sandbox_of(const SummaryLine& line) {
  const bool named = !line.sandbox.empty();
  std::string name = named ? line.sandbox : "line " + std::to_string(lines_);
  const auto [sandbox, added] = sandboxes_.try_emplace(name);
  if (added) sandbox->second.figures.name = std::move(name);
  if (added && named) ++sandboxes;
  return sandbox->second;
}

// Of what they have left waiting anyone may be the heir.
void Fleet::forget_least() {
  std::set<std::string> kept;
  for (const auto figure : {&Offender::lost, &Offender::held_ms}) {
    for (const auto& each : worst(kMostSandboxes / 4, figure)) kept.insert(each.name);
  }
  for (auto each = sandboxes_.begin(); each != sandboxes_.end();) {
    if (kept.contains(each->first)) {
      ++each;
      continue;
    }
    for (const auto& [category, items] : each->second.waiting) {
      unnamed_waiting_[category] = sum_of(unnamed_waiting_[category], items);
    }
    ++forgotten;
    each = sandboxes_.erase(each);
  }
}

std::vector<Offender> Fleet::worst(std::size_t count, std::uint64_t Offender::* figure) const {
  std::vector<Offender> found;
  for (const auto& [name, sandbox] : sandboxes_) {
    if (sandbox.figures.*figure > 0) found.push_back(sandbox.figures);
  }
  std::ranges::sort(found, [figure](const Offender& a, const Offender& b) {
    return a.*figure != b.*figure ? a.*figure > b.*figure : a.name < b.name;
  });
  found.resize(std::min(found.size(), count));
  return found;
}

std::vector<Offender> Fleet::lost_most(std::size_t count) const {
  return worst(count, &Offender::lost);
}

std::vector<Offender> Fleet::held_most(std::size_t count) const {
  return worst(count, &Offender::held_ms);
}

double percentile(const Times& times, unsigned percent) {
  const double wanted = static_cast<double>(times.count) * percent / 100;
  double before = 0;
  double lower = 0;
  for (std::size_t i = 0; i < relay::Histogram::kBounds.size(); ++i) {
    const double upper = in_ms(relay::Histogram::kBounds.at(i));
    const auto inside = static_cast<double>(times.buckets.at(i));
    if (inside > 0 && before + inside >= wanted) {
      return lower + (upper - lower) * (wanted - before) / inside;
    }
    before += inside;
    lower = upper;
  }
  return times.count == 0 ? 0 : -1;
}

}  // namespace extension
