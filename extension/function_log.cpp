#include "extension/function_log.hpp"

namespace extension {

using proto::TelemetryKind;

void FunctionLog::heard(const proto::TelemetryRecord& record) {
  if (most_ == 0) return;
  if (record.kind == TelemetryKind::start) return begin(record.request_id);
  if (record.kind != TelemetryKind::function_log || record.log_text.empty()) return;
  if (side_by_side_ && open_ && record.request_id.empty()) return;
  const bool named = !record.request_id.empty();
  lines_.push_back({named ? record.request_id : open_.value_or(""),
                    {record.time, record.log_level, record.log_text}});
  if (lines_.size() > most_) lines_.pop_front();
}

void FunctionLog::begin(const std::string& request_id) {
  if (open_) std::erase_if(lines_, [](const Line& line) { return line.request_id.empty(); });
  open_ = request_id;
}

std::vector<proto::LogLine> FunctionLog::of(std::string_view request_id) const {
  std::vector<proto::LogLine> found;
  for (const Line& line : lines_) {
    if (line.request_id.empty() || line.request_id == request_id) found.push_back(line.line);
  }
  return found;
}

}  // namespace extension
