#include "relay/journal.hpp"

#include "relay/errc.hpp"

namespace relay {

std::unique_ptr<Journal::Keeping> Journal::begin(const RecordHead&, std::string_view) {
  return nullptr;
}

bool Journal::has_room(std::size_t) const { return true; }

bool Journal::has_room_without(std::span<const JournalId>, std::size_t) const { return true; }

std::optional<proto::Result<Record>> Journal::read_some(JournalId id, RecordReading&, std::size_t) {
  return read(id);
}

proto::Result<JournalId> NoJournal::keep(const RecordHead&, std::string_view) {
  return Errc::journal_off;
}

proto::Result<Record> NoJournal::read(JournalId) { return Errc::journal_off; }

}  // namespace relay
