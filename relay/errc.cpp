#include "relay/errc.hpp"

#include <string>

namespace relay {
namespace {

class Category final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "thaw.relay"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<Errc>(value)) {
      case Errc::deadline_exceeded:
        return "deadline exceeded";
      case Errc::connection_limit:
        return "connection limit of this host reached";
      case Errc::no_connection:
        return "no idle connection";
      case Errc::name_not_found:
        return "no such host name";
      case Errc::name_server_failed:
        return "no name server answered";
      case Errc::address_forbidden:
        return "host resolves to an address that is not public";
      case Errc::no_trust:
        return "no root certificates found; set THAW_CA_FILE";
      case Errc::certificate_rejected:
        return "upstream certificate rejected";
      case Errc::proxy_unreachable:
        return "the proxy cannot be reached";
      case Errc::proxy_timed_out:
        return "no connection through the proxy within THAW_CONNECT_MS";
      case Errc::proxy_unauthorized:
        return "the proxy wants other credentials";
      case Errc::proxy_refused:
        return "the proxy does not connect to it";
      case Errc::proxy_failed:
        return "the proxy closed the connection or does not speak HTTP";
      case Errc::answer_malformed:
        return "upstream answer is not HTTP";
      case Errc::answer_incomplete:
        return "upstream closed before a complete answer";
      case Errc::journal_full:
        return "journal limit reached";
      case Errc::journal_off:
        return "no journal";
      case Errc::journal_damaged:
        return "journal record damaged";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& errc_category() noexcept {
  static const Category category;
  return category;
}

}  // namespace relay
