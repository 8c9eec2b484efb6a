#include "relay/http_answer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>

#include "relay/errc.hpp"
#include "relay/http_text.hpp"

namespace relay {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

constexpr std::uint32_t kMostHeaderBytes = 16 * 1024;
// Sentry answers with a line of JSON. Whoever sends more is not worth the keeping of his
// connection.
constexpr std::uint64_t kMostBodyBytes = 1024UL * 1024;
// A peer may send any number (RFC 9110, 15.2); none of ours sends more than one.
constexpr int kMostInterim = 8;

}  // namespace

class HttpAnswer::Parser final : public http::basic_parser<false> {
 public:
  explicit Parser(bool tunnel) {
    skip(tunnel);
    header_limit(kMostHeaderBytes);
    body_limit(boost::none);  // counted below, where it is no reason to lose the status
  }

  UpstreamAnswer answer;
  bool body_too_long = false;

 private:
  void on_request_impl(http::verb, beast::string_view, beast::string_view, int,
                       error_code&) override {}

  void on_response_impl(int status, beast::string_view, int, error_code&) override {
    answer.status = static_cast<unsigned>(status);
  }

  void on_field_impl(http::field field, beast::string_view name, beast::string_view value,
                     error_code&) override {
    if (field == http::field::retry_after && answer.retry_after.empty()) answer.retry_after = value;
    if (field == http::field::www_authenticate) answer.challenge = true;
    if (!beast::iequals(name, "X-Sentry-Rate-Limits")) return;
    if (!answer.rate_limits.empty()) answer.rate_limits += ',';
    answer.rate_limits.append(value.data(), value.size());
  }

  void on_header_impl(error_code&) override {}

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(beast::string_view body, error_code& failed) override {
    return count(body, failed);
  }

  void on_chunk_header_impl(std::uint64_t, beast::string_view, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view body,
                                 error_code& failed) override {
    return count(body, failed);
  }

  void on_finish_impl(error_code&) override {}

  std::size_t count(beast::string_view body, error_code& failed) {
    body_bytes_ += body.size();
    body_too_long = body_bytes_ > kMostBodyBytes;
    if (body_too_long) failed = http::error::body_limit;
    return body.size();
  }

  std::uint64_t body_bytes_ = 0;
};

struct HttpAnswer::State {
  explicit State(bool to_connect) : tunnel(to_connect), parser(std::in_place, to_connect) {}

  bool tunnel;
  std::optional<Parser> parser;
  int interim = 0;
  std::size_t header_bytes = 0;  ///< taken by the parser: its own limit starts anew with each line
  std::size_t held = 0;          ///< bytes at the front of `buffer` that the parser has not taken
  std::array<char, kMostHeaderBytes + 1> buffer;  ///< so that too long a header shows

  error_code parse();
};

HttpAnswer::HttpAnswer(bool tunnel) : state_(new State(tunnel)) {}

HttpAnswer::~HttpAnswer() = default;

asio::mutable_buffer HttpAnswer::room() { return asio::buffer(state_->buffer) + state_->held; }

error_code HttpAnswer::State::parse() {
  error_code failed;
  const bool in_header = !parser->is_header_done();
  if (!in_header && parser->chunked() && may_be_cut_last_chunk({buffer.data(), held})) {
    return http::error::need_more;
  }
  const std::size_t taken = parser->put(asio::buffer(buffer, held), failed);
  held -= taken;
  std::memmove(buffer.data(), buffer.data() + taken, held);
  if (!in_header) return failed;
  header_bytes += taken;
  const bool header_done = parser->is_header_done();
  // Until here the parser stops behind the header, so that its bytes can be counted.
  if (header_done) parser->eager(true);
  return header_bytes + (header_done ? 0 : held) > kMostHeaderBytes ? http::error::header_limit
                                                                    : failed;
}

error_code HttpAnswer::came(std::size_t bytes) {
  State& state = *state_;
  state.held += bytes;
  while (state.held > 0 && !complete()) {
    const error_code failed = state.parse();
    if (state.parser->body_too_long) return {};
    if (failed == http::error::need_more && state.held < state.buffer.size()) return {};
    if (failed) return Errc::answer_malformed;
    if (!state.parser->is_done() || state.parser->answer.status / 100 != 1) continue;
    // 101 would end HTTP on this connection; nobody asked for it.
    if (state.parser->answer.status == 101 || ++state.interim > kMostInterim) {
      return Errc::answer_malformed;
    }
    state.parser.emplace(state.tunnel);
    state.header_bytes = 0;
  }
  return {};
}

error_code HttpAnswer::ended() {
  error_code failed;
  if (state_->parser->got_some()) state_->parser->put_eof(failed);
  return failed || !complete() ? make_error_code(Errc::answer_incomplete) : error_code{};
}

bool HttpAnswer::complete() const {
  return state_->parser->is_done() || state_->parser->body_too_long;
}

bool HttpAnswer::keeps_connection() const {
  return !state_->parser->body_too_long && state_->parser->keep_alive() && read_exactly();
}

bool HttpAnswer::read_exactly() const { return state_->held == 0; }

bool HttpAnswer::has_status() const {
  const Parser& parser = *state_->parser;
  // Whether too long a header is seen whole depends on how it was cut: it never tells anything.
  return parser.is_header_done() && state_->header_bytes <= kMostHeaderBytes &&
         parser.answer.status / 100 != 1;
}

const UpstreamAnswer& HttpAnswer::answer() const { return state_->parser->answer; }

}  // namespace relay
