#include "extension/extensions_api.hpp"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "proto/number.hpp"
#include "proto/telemetry.hpp"
#include "relay/deadline.hpp"

namespace extension {

namespace http = boost::beast::http;
using asio::ip::tcp;

struct HttpCall {
  http::verb method = http::verb::get;
  std::string target;
  std::string body = {};
};

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
  std::string identifier;  ///< Lambda-Extension-Identifier; "" if there was none

  [[nodiscard]] Refused refusal() const { return {status, proto::parse_platform_error(body)}; }
};

namespace {

// A platform on the same host that does not accept at once is not there.
constexpr auto kNextTarget = "/2020-01-01/extension/event/next";
constexpr relay::milliseconds kConnectLimit{1000};
// An INVOKE is a few hundred bytes; its longest field is the X-Ray header.
constexpr std::uint64_t kBodyLimit = std::uint64_t{256} * 1024;
constexpr std::uint32_t kHeaderLimit = 32 * 1024;

boost::beast::string_view to_beast(std::string_view text) { return {text.data(), text.size()}; }

// The socket is the caller's, so that it outlives a cancelled connect.
asio::awaitable<proto::Result<std::monostate>> connect(tcp::socket& socket,
                                                       tcp::endpoint platform) {
  boost::system::error_code ec;
  co_await socket.async_connect(platform, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return ec;
  co_return std::monostate{};
}

asio::awaitable<proto::Result<HttpAnswer>> read_answer(tcp::socket& socket) {
  boost::system::error_code ec;
  boost::beast::flat_buffer input;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kBodyLimit);
  parser.header_limit(kHeaderLimit);
  co_await http::async_read(socket, input, parser, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return ec;
  HttpAnswer answer;
  answer.status = parser.get().result_int();
  answer.identifier = std::string(parser.get()["Lambda-Extension-Identifier"]);
  answer.body = std::move(parser.get().body());
  co_return answer;
}

}  // namespace

bool names_no_file(const Refused& refused) {
  return refused.status == 403 && refused.error.type == "Extension.InvalidEventType" &&
         refused.error.message.find("SHUTDOWN") != std::string::npos;
}

proto::Result<tcp::endpoint> parse_api_address(std::string_view text) {
  const boost::system::error_code invalid = asio::error::invalid_argument;
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid;
  auto host = text.substr(0, colon);
  const auto port = proto::parse_port(text.substr(colon + 1));
  if (!port) return invalid;

  if (host == "localhost") host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(std::string(host), ec);
  if (ec) return ec;
  return tcp::endpoint(address, *port);
}

HttpExtensionsApi::HttpExtensionsApi(asio::any_io_executor executor, relay::Clock& clock,
                                     std::string_view address, std::string extension_name,
                                     std::string file_name)
    : executor_(std::move(executor)),
      clock_(clock),
      platform_(parse_api_address(address)),
      host_(address),
      extension_name_(std::move(extension_name)),
      other_name_(std::move(file_name)) {}

asio::awaitable<Reply<proto::Registration>> HttpExtensionsApi::register_for(Events events) {
  HttpCall call{http::verb::post, "/2020-01-01/extension/register"};
  call.body = events == Events::shutdown_only ? R"({"events":["SHUTDOWN"]})"
                                              : R"({"events":["INVOKE","SHUTDOWN"]})";
  const auto answer = co_await exchange(std::move(call));
  if (!answer) co_return answer.error();
  if (answer->status != 200) {
    Refused refused = answer->refusal();
    // A setting with a wrong name must not keep the function from starting. 400: one that no header
    // can hold.
    const bool wrong_name = names_no_file(refused) || refused.status == 400;
    if (wrong_name && !other_name_.empty()) extension_name_.swap(other_name_);
    co_return refused;
  }
  if (answer->identifier.empty()) co_return asio::error::no_data;
  identifier_ = answer->identifier;
  co_return proto::parse_registration(answer->body);
}

asio::awaitable<Reply<proto::LambdaEvent>> HttpExtensionsApi::next() {
  HttpCall call{http::verb::get, kNextTarget};
  const auto answer = co_await exchange(std::move(call));
  if (!answer) co_return answer.error();
  if (answer->status != 200) co_return answer->refusal();
  auto event = proto::parse_lambda_event(answer->body);
  if (!event) co_return event.error();
  co_return std::move(*event);
}

asio::awaitable<Reply<Subscribed>> HttpExtensionsApi::subscribe_telemetry(
    proto::TelemetrySubscription wanted, relay::SteadyTime deadline) {
  HttpCall call{http::verb::put, "/2022-07-01/telemetry"};
  call.body = proto::to_json(wanted);
  const auto answer = co_await relay::with_deadline(clock_, deadline, exchange(std::move(call)));
  if (!answer) co_return answer.error();
  if (answer->status != 200) co_return answer->refusal();
  co_return Subscribed{};
}

asio::awaitable<proto::Result<HttpAnswer>> HttpExtensionsApi::exchange(HttpCall call) {
  if (!platform_) co_return platform_.error();
  const Lent lent(reserved_);
  tcp::socket socket(executor_);
  boost::system::error_code ec;
  socket.open(platform_->protocol(), ec);
  if (ec) co_return ec;
  const auto connected = co_await relay::with_deadline(clock_, clock_.now() + kConnectLimit,
                                                       connect(socket, *platform_));
  if (!connected) co_return connected.error();

  http::request<http::string_body> request(call.method, to_beast(call.target), 11);
  request.set(http::field::host, host_);
  request.set(http::field::connection, "close");
  if (identifier_.empty()) {
    request.set("Lambda-Extension-Name", extension_name_);
    request.set("Lambda-Extension-Accept-Feature", "accountId");
  } else {
    request.set("Lambda-Extension-Identifier", identifier_);
  }
  if (!call.body.empty()) request.set(http::field::content_type, "application/json");
  request.body() = std::move(call.body);
  request.prepare_payload();

  co_await http::async_write(socket, request, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return ec;
  if (call.target == kNextTarget) asked();
  co_return co_await read_answer(socket);
}

}  // namespace extension
