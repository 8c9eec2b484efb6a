#include "tests/sandbox/extension_agent.hpp"

#include <array>
#include <cctype>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <sys/random.h>

namespace sandbox {

std::string_view name(AgentState state) {
  switch (state) {
    case AgentState::started:
      return "Started";
    case AgentState::registered:
      return "Registered";
    case AgentState::ready:
      return "Ready";
    case AgentState::running:
      return "Running";
    case AgentState::init_error:
      return "InitError";
    case AgentState::exit_error:
      return "ExitError";
    case AgentState::exited:
      return "Exited";
  }
  return "";
}

void deliver(Agent& agent, std::string event_json, bool with_event_id) {
  agent.state = AgentState::running;
  Response response = json_response(200, std::move(event_json));
  if (with_event_id) response.headers.emplace_back("Lambda-Extension-Event-Identifier", new_uuid());
  agent.parked->answer(std::move(response));
}

void release(Agent& agent) {
  if (agent.parked != nullptr) agent.parked->answer(Response{});
}

std::string new_uuid() {
  std::array<unsigned char, 16> bytes{};
  [[maybe_unused]] const auto got = ::getrandom(bytes.data(), bytes.size(), 0);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
      return false;
  }
  return true;
}

Response json_response(unsigned status, std::string body) {
  Response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

Response platform_error(unsigned status, std::string_view type, std::string_view message) {
  boost::json::object body;
  body["errorMessage"] = message;
  body["errorType"] = type;
  return json_response(status, boost::json::serialize(body));
}

Response not_found() {
  Response response;
  response.status = 404;
  response.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  response.body = "404 page not found\n";
  return response;
}

Response method_not_allowed(std::string_view allowed) {
  Response response;
  response.status = 405;
  response.headers.emplace_back("Allow", std::string(allowed));
  return response;
}

}  // namespace sandbox
