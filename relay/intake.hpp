// One local request -> one answer: finds the way, the auth, the envelope; judges; takes it in.
// Never waits, touches no socket: the SDK is waiting. What takes longer than one turn of the loop
// may, undoing a large body's encoding and writing its record, is done some at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "proto/envelope.hpp"
#include "relay/backlog.hpp"
#include "relay/call.hpp"
#include "relay/destinations.hpp"
#include "relay/http_text.hpp"
#include "relay/settings.hpp"

namespace relay {

class Intake {
 public:
  struct Parts {
    Clock& clock;
    Backlog& backlog;
    Destinations& destinations;
    Stats& stats;
    std::function<std::uint16_t()> own_port;
    std::function<milliseconds()> awake;  ///< Delivery::awake
    std::function<void()> accepted;
    std::uint64_t (*random)();  ///< 64 random bits
  };

  Intake(IntakeSettings settings, RouteSettings route, Parts parts);

  /// Whether ready() has something to do.
  [[nodiscard]] bool takes_turns(const LocalRequest& request) const;

  /// What of take() takes long, some at a time: false, the loop has its turn, then again; true,
  /// take() has little left to do. Of large requests one has its turn at a time, so that they do
  /// not grow beside each other.
  [[nodiscard]] bool ready(LocalRequest& request, const Call& call);

  /// Of it, undoes the body's encoding.
  [[nodiscard]] bool unpacked(LocalRequest& request);

  /// `call`: of the request's header, to an endpoint.
  /// Disabled, nobody is asked who speaks: 200, a limit for everything, and nothing is kept
  /// (DropReason::disabled).
  [[nodiscard]] Answer take(LocalRequest&& request, const Call& call);

  /// What an earlier process left waiting: judged anew, because the settings may have changed.
  void recover(JournalId kept, Record record);

  /// An envelope of the host's own: for the first configured DSN, else for the last that an
  /// accepted envelope went to. False, and counted nowhere: there is none, or no room, or it comes
  /// after close().
  [[nodiscard]] bool take_own(proto::Envelope envelope);

  /// The header of the last envelope that an SDK has sent since this was asked for the last time;
  /// one that names a trace rather than one that does not; "" if there was none, or a longer one
  /// than kKeptHeader.
  [[nodiscard]] std::string take_last_header() {
    last_header_traced_ = false;
    return std::exchange(last_header_, {});
  }

  /// sentry_client of the last envelope whose SDK has named itself.
  [[nodiscard]] const std::string& last_client() const { return last_client_; }

  static constexpr std::size_t kKeptHeader = 4096;

  void close() { closing_ = true; }

 private:
  /// Views into the call, or the envelope.
  struct Sender {
    std::string_view public_key;
    std::string_view client;
    std::uint64_t project_id = 0;
  };

  [[nodiscard]] Answer judge(LocalRequest&& request, const Call& call);
  [[nodiscard]] Answer drop(LocalRequest&& request, const Call& call);
  /// What we would account for; nothing where it cannot be read.
  [[nodiscard]] proto::CategoryCounts items_of(LocalRequest&& request, const Call& call) const;
  [[nodiscard]] Answer reject(RejectReason reason, Answer answer);
  [[nodiscard]] Answer refuse_format(boost::system::error_code why);
  [[nodiscard]] Answer refuse_route();
  [[nodiscard]] proto::Result<proto::Bytes> decode(LocalRequest& request) const;
  [[nodiscard]] Answer take_envelope(const Call& call, proto::Bytes body, LargeRequest* large);
  [[nodiscard]] Answer take_opaque(const Call& call, proto::Bytes body, LargeRequest* large);
  /// Where no place of HTTP's held an auth the envelope's dsn speaks.
  [[nodiscard]] static proto::Result<Sender> sender(const Call& call,
                                                    const proto::Envelope& envelope);
  void remember(const proto::Envelope& envelope);
  /// nullptr: 403.
  [[nodiscard]] Destination* destination(const RouteRequest& wanted);

  /// What a call has come to, and with it every request of the same header.
  struct Way {
    std::shared_ptr<const RequestHeader> header;
    Destination* destination = nullptr;
    std::shared_ptr<const RequestMeta> meta;
    bool by_header = false;  ///< whatever its envelope says
  };

  /// `dsn`: the envelope's. nullptr: 403. Valid until the next call.
  [[nodiscard]] const Way* find_way(const Call& call, const Sender& from,
                                    const std::optional<proto::Dsn>& dsn);
  /// `answer`: what the SDK is told once the parcel is kept; `large`: by keep_some(), nullptr: at
  /// once.
  [[nodiscard]] Answer admit(Parcel&& parcel, Destination& destination, Answer answer,
                             LargeRequest* large);
  [[nodiscard]] bool fits_one_turn(std::size_t bytes) const;
  [[nodiscard]] bool keep_some(LargeRequest& large);
  /// False: another large one has the turn.
  [[nodiscard]] bool has_turn(const std::shared_ptr<void>& large);

  IntakeSettings settings_;
  RouteSettings route_;
  Parts parts_;
  proto::ParserMemory parser_memory_;
  bool closing_ = false;
  std::weak_ptr<void> turn_;  ///< whose it is: a LargeRequest's, or that of one being unpacked
  std::string last_header_;
  bool last_header_traced_ = false;
  std::string last_client_;
  Way last_way_;
};

}  // namespace relay
