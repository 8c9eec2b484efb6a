#include "tests/support/fake_name_server.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "tests/support/run.hpp"

namespace support {
namespace {

using asio::ip::udp;

constexpr std::size_t kHeaderBytes = 12;
constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeAaaa = 28;

std::string big_endian(std::uint32_t value, int bytes) {
  std::string out;
  while (bytes-- > 0) out += static_cast<char>((value >> (8 * bytes)) & 0xff);
  return out;
}

/// "\3foo\4test\0" at `at` as "foo.test"; moves `at` behind it.
std::string name_at(std::string_view message, std::size_t& at) {
  std::string name;
  while (message[at] != 0) {
    const std::size_t size = static_cast<unsigned char>(message[at]);
    name += (name.empty() ? "" : ".") + std::string(message.substr(at + 1, size));
    at += size + 1;
  }
  ++at;
  return name;
}

std::string record_of(const asio::ip::address& address, std::uint32_t ttl) {
  const auto whole = [&](std::uint16_t type, const auto& bytes) {
    // RFC 1035, 4.1.4: the name is the question's, at offset 12.
    return "\xc0\x0c" + big_endian(type, 2) + big_endian(1, 2) + big_endian(ttl, 4) +
           big_endian(static_cast<std::uint32_t>(bytes.size()), 2) +
           std::string(bytes.begin(), bytes.end());
  };
  return address.is_v4() ? whole(kTypeA, address.to_v4().to_bytes())
                         : whole(kTypeAaaa, address.to_v6().to_bytes());
}

}  // namespace

FakeNameServer::FakeNameServer(asio::io_context& io)
    : io_(io),
      socket_(io, udp::endpoint(asio::ip::address_v4::loopback(), 0)),
      tasks_(io.get_executor(),
             [](const std::exception_ptr& failure) { FAIL(relay::describe(failure)); }) {
  tasks_.spawn(serve());
}

FakeNameServer::~FakeNameServer() {
  tasks_.stop();
  until(io_, [this] { return tasks_.size() == 0; });
}

std::string FakeNameServer::address() const {
  return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
}

asio::awaitable<void> FakeNameServer::serve() {
  for (;;) {
    udp::endpoint from;
    boost::system::error_code failed;
    const std::size_t size = co_await socket_.async_receive_from(
        asio::buffer(buffer_), from, asio::redirect_error(asio::use_awaitable, failed));
    if (failed == asio::error::operation_aborted) co_return;
    if (failed) continue;
    ++questions;
    if (silent) continue;
    const std::string out = answer({buffer_.data(), size});
    if (out.empty()) continue;
    co_await socket_.async_send_to(asio::buffer(out), from,
                                   asio::redirect_error(asio::use_awaitable, failed));
  }
}

std::string FakeNameServer::answer(std::string_view question) const {
  std::size_t at = kHeaderBytes;
  const std::string name = name_at(question, at);
  const std::uint16_t type = static_cast<unsigned char>(question[at + 1]);
  if (type == kTypeA ? silent_about_ipv4 : silent_about_ipv6) return {};
  const std::string asked(question.substr(kHeaderBytes, at + 4 - kHeaderBytes));

  std::string found;
  std::uint32_t count = 0;
  const auto record = records.find(name);
  if (record != records.end() && !failing) {
    for (const auto& address : record->second.addresses) {
      if (type != (address.is_v4() ? kTypeA : kTypeAaaa)) continue;
      found += record_of(address, record->second.ttl);
      ++count;
    }
  }
  // Response, recursion desired and available; the last digit is the result (RFC 1035, 4.1.1).
  const std::uint32_t flags = failing ? 0x8182 : record == records.end() ? 0x8183 : 0x8180;
  return std::string(question.substr(0, 2)) + big_endian(flags, 2) + big_endian(1, 2) +
         big_endian(count, 2) + big_endian(0, 4) + asked + found;
}

}  // namespace support
