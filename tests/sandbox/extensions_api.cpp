#include "tests/sandbox/extensions_api.hpp"

#include <limits>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace sandbox {
namespace {

constexpr std::size_t kMostAgents = 10;

Response wrong_state(std::string_view from, std::string_view to, std::string_view who) {
  std::string text = "State transition from ";
  text.append(from).append(" to ").append(to).append(" failed for extension ").append(who);
  text += ". Error: State transition is not allowed";
  return platform_error(403, "Extension.InvalidExtensionState", text);
}

Response internal_error() {
  return platform_error(500, "InternalServerError", "Internal Server Error");
}

struct Events {
  std::set<std::string> names;
  std::string problem;  ///< why the body is no registration
};

Events parse_events(const std::string& body) {
  Events events;
  boost::system::error_code failed;
  const auto document = boost::json::parse(body, failed);
  if (body.empty()) {
    events.problem = "unexpected end of JSON input";
  } else if (failed || !document.is_object()) {
    events.problem = failed ? failed.message() : "json: cannot unmarshal into RegisterRequest";
  } else if (const auto* keys = document.get_object().if_contains("configurationKeys");
             keys != nullptr && keys->is_array() && !keys->get_array().empty()) {
    events.problem = "configurationKeys are deprecated; use environment variables instead";
  } else if (const auto* list = document.get_object().if_contains("events");
             list != nullptr && !list->is_null()) {
    const auto names = boost::json::try_value_to<std::set<std::string>>(*list);
    if (names) events.names = *names;
    if (!names) events.problem = "json: cannot unmarshal RegisterRequest.events";
  }
  return events;
}

/// The first event that may not be registered, with the reason; "" if all may.
std::string refused_event(const std::set<std::string>& events, bool internal, bool managed) {
  for (const auto& event : events) {
    if (event == "SHUTDOWN" && internal)
      return event + ": ShutdownEventNotSupportedForInternalExtension";
    if (event != "SHUTDOWN" && (event != "INVOKE" || managed))
      return event + ": ErrorInvalidEventType";
  }
  return {};
}

}  // namespace

std::string initialization_type(World world) {
  switch (world) {
    case World::on_demand:
      return "on-demand";
    case World::provisioned_concurrency:
      return "provisioned-concurrency";
    case World::snap_start:
      return "snap-start";
    case World::managed_instances:
      return "lambda-managed-instances";
  }
  return "";
}

bool ForcedAnswer::take() {
  if (left == 0) return false;
  if (left != std::numeric_limits<unsigned>::max()) --left;
  return true;
}

ExtensionsApi::ExtensionsApi(Condition& changed, Recorder& recorder, const FunctionFacts& function,
                             ForcedAnswer register_answer, ForcedAnswer next_answer)
    : changed_(changed),
      recorder_(recorder),
      function_(function),
      register_answer_(register_answer),
      next_answer_(next_answer) {}

bool ExtensionsApi::full() const { return agents_.size() >= kMostAgents; }

Agent& ExtensionsApi::launched(std::string agent_name, Process* process) {
  Agent& agent = *agents_.emplace_back(std::make_unique<Agent>());
  agent.name = std::move(agent_name);
  agent.process = process;
  return agent;
}

void ExtensionsApi::clear() {
  for (auto& agent : agents_) release(*agent);
  agents_.clear();
  changed_.notify();
}

Agent* ExtensionsApi::find(std::string_view id) {
  for (auto& agent : agents_)
    if (agent->id == id) return agent.get();
  return nullptr;
}

std::optional<Response> ExtensionsApi::identify(const Request& request, Agent*& agent) {
  const std::string_view id = request.header("Lambda-Extension-Identifier");
  if (id.empty())
    return platform_error(403, "Extension.MissingExtensionIdentifier",
                          "Missing Lambda-Extension-Identifier header");
  if (!is_uuid(id))
    return platform_error(403, "Extension.InvalidExtensionIdentifier",
                          "Invalid Lambda-Extension-Identifier");
  agent = find(id);
  if (agent == nullptr)
    return platform_error(403, "Extension.UnknownExtensionIdentifier",
                          "Unknown Lambda-Extension-Identifier");
  return std::nullopt;
}

asio::awaitable<Response> ExtensionsApi::handle(std::string path, Request request, Peer& peer) {
  const bool get = path == "/event/next";
  const bool known = get || path == "/register" || path == "/init/error" || path == "/exit/error";
  if (!known) co_return not_found();
  if (request.method != (get ? "GET" : "POST")) co_return method_not_allowed(get ? "GET" : "POST");
  if (get) co_return co_await next(request, peer);
  if (path == "/register") co_return register_agent(request);
  co_return report_error(request, path == "/init/error");
}

Response ExtensionsApi::register_agent(const Request& request) {
  const std::string agent_name(request.header("Lambda-Extension-Name"));
  if (register_answer_.take()) {
    recorder_.event("register " + agent_name + " answered " +
                    std::to_string(register_answer_.status) + " by option");
    if (register_answer_.status != 403) return internal_error();
    return platform_error(403, "Extension.RegistrationClosed",
                          "Extension registration closed already");
  }
  if (agent_name.empty())
    return platform_error(403, "Extension.InvalidExtensionName", "Empty extension name");
  Events events = parse_events(request.body);
  if (!events.problem.empty()) return platform_error(403, "InvalidRequestFormat", events.problem);
  Agent* agent = nullptr;
  for (auto& candidate : agents_)
    if (candidate->name == agent_name) agent = candidate.get();
  const bool internal = agent == nullptr || agent->internal;
  const std::string refused = refused_event(events.names, internal, function_.managed());
  if (!refused.empty()) return platform_error(403, "Extension.InvalidEventType", refused);
  if (agent == nullptr) {
    if (!registration_open_)
      return platform_error(403, "Extension.RegistrationClosed",
                            "Extension registration closed already");
    if (full())
      return platform_error(403, "Extension.TooManyExtensions", "Extension limit (10) reached");
    agent = &launched(agent_name, nullptr);
    agent->internal = true;
  } else if (internal) {
    return platform_error(403, "Extension.InvalidExtensionState",
                          "Extension with this name already registered");
  } else if (agent->state != AgentState::started) {
    return wrong_state(name(agent->state), "Registered", agent_name);
  }
  return enter(*agent, std::move(events.names), request);
}

Response ExtensionsApi::enter(Agent& agent, std::set<std::string> events, const Request& request) {
  agent.id = new_uuid();
  agent.state = AgentState::registered;
  agent.events = std::move(events);
  recorder_.event("register " + agent.name + (agent.internal ? " (internal)" : ""));
  changed_.notify();
  boost::json::object body;
  body["functionName"] = function_.name;
  body["functionVersion"] = function_.version;
  body["handler"] = function_.handler;
  if (request.header("Lambda-Extension-Accept-Feature").find("accountId") != std::string_view::npos)
    body["accountId"] = function_.account_id;
  Response response = json_response(200, boost::json::serialize(body));
  response.headers.emplace_back("Lambda-Extension-Identifier", agent.id);
  return response;
}

asio::awaitable<Response> ExtensionsApi::next(const Request& request, Peer& peer) {
  Agent* agent = nullptr;
  if (auto refused = identify(request, agent)) co_return std::move(*refused);
  if (next_answer_.take()) {
    recorder_.event("next " + agent->name + " answered " + std::to_string(next_answer_.status) +
                    " by option");
    if (next_answer_.status != 403) co_return internal_error();
    co_return wrong_state("Ready", "Ready", agent->id);
  }
  if (agent->state != AgentState::registered && agent->state != AgentState::running)
    co_return wrong_state(name(agent->state), "Ready", agent->id);
  if (agent->parked != nullptr) co_return wrong_state("Ready", "Ready", agent->id);
  recorder_.event("next " + agent->name);
  agent->state = AgentState::ready;
  Parked parked(peer, agent->parked);
  if (agent->shutdown && !agent->shutdown_delivered) {
    agent->shutdown_delivered = true;
    recorder_.event("SHUTDOWN to " + agent->name + " (late)");
    deliver(*agent, *agent->shutdown, false);
  }
  changed_.notify();
  co_await changed_.until([&parked] { return parked.answered(); });
  co_return parked.take();
}

Response ExtensionsApi::report_error(const Request& request, bool in_init) {
  Agent* agent = nullptr;
  if (auto refused = identify(request, agent)) return std::move(*refused);
  if (request.header("Lambda-Extension-Function-Error-Type").empty())
    return platform_error(403, "Extension.MissingHeader",
                          "Lambda-Extension-Function-Error-Type not found");
  const AgentState wanted = in_init ? AgentState::init_error : AgentState::exit_error;
  const bool legal = agent->state == wanted || agent->state == AgentState::registered ||
                     (!in_init && agent->in_service());
  if (!legal) return wrong_state(name(agent->state), name(wanted), agent->id);
  recorder_.event(std::string(in_init ? "init/error " : "exit/error ") + agent->name + ": " +
                  std::string(request.header("Lambda-Extension-Function-Error-Type")));
  agent->state = wanted;
  if (agent->fatal_error.empty())
    agent->fatal_error = in_init ? "Extension.InitError" : "Extension.ExitError";
  changed_.notify();
  return json_response(202, R"({"status":"OK"})");
}

}  // namespace sandbox
