#include "tests/sandbox/runtime_api.hpp"

#include <algorithm>
#include <cstdint>
#include <regex>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/string.hpp>

#include "proto/url_text.hpp"

namespace sandbox {
namespace {

/// 6 MiB and a little for the platform's own framing.
constexpr std::size_t kMostResponse = (std::size_t{6} << 20) + 100;

constexpr std::string_view kInvocation = "/invocation/";

Response accepted() { return json_response(202, R"({"status":"OK"})"); }

Response wrong_state() {
  return platform_error(403, "InvalidStateTransition", "State transition is not allowed");
}

/// What becomes of a runtime's own word for it: only such types are let through.
std::string told_type(const Request& request) {
  static const std::regex known("(Runtime|Function)\\.[A-Z][a-zA-Z]+");
  std::string given(request.header("Lambda-Runtime-Function-Error-Type"));
  if (std::regex_search(given, known)) return given;
  return given.starts_with("Function.") ? "Function.Unknown" : "Runtime.Unknown";
}

}  // namespace

boost::json::value as_json(const std::string& text) {
  boost::system::error_code failed;
  auto value = boost::json::parse(text, failed);
  if (failed) return boost::json::string(text);
  return value;
}

void RuntimeApi::clear() {
  for (Parked* parked : parked_) parked->answer(Response{});
  parked_.clear();
  if (restoring_ != nullptr) restoring_->answer(Response{});
  running_.clear();
  given_up_.clear();
  restore_error_.clear();
  asked_ever_ = false;
  init_error_.reset();
  changed_.notify();
}

void RuntimeApi::take_back(const Invoke& invoke) { std::erase(running_, &invoke); }

void RuntimeApi::give_up(const Invoke& invoke) {
  take_back(invoke);
  given_up_.insert(invoke.id);
}

void RuntimeApi::restored() {
  if (restoring_ != nullptr) restoring_->answer(json_response(200, ""));
  changed_.notify();
}

bool RuntimeApi::busy() const {
  return ready() ||
         std::ranges::any_of(running_, [](const Invoke* invoke) { return !invoke->responded_ms; });
}

void RuntimeApi::hand_out(Invoke& invoke) {
  running_.push_back(&invoke);
  Response response = json_response(200, invoke.event);
  auto& headers = response.headers;
  headers.emplace_back("Lambda-Runtime-Aws-Request-Id", invoke.id);
  headers.emplace_back("Lambda-Runtime-Deadline-Ms",
                       std::to_string(static_cast<std::int64_t>(invoke.deadline_ms)));
  headers.emplace_back("Lambda-Runtime-Invoked-Function-Arn", invoke.arn);
  headers.emplace_back("Lambda-Runtime-Trace-Id", invoke.trace);
  if (function_.managed()) headers.emplace_back("Lambda-Runtime-Invocation-Id", new_uuid());
  parked_.front()->answer(std::move(response));
  parked_.pop_front();
  changed_.notify();
}

asio::awaitable<Response> RuntimeApi::handle(std::string path, Request request, Peer& peer) {
  if (path == "/invocation/next") {
    if (request.method != "GET") co_return method_not_allowed("GET");
    co_return co_await next(peer);
  }
  const bool restore = function_.world == World::snap_start && path.starts_with("/restore/");
  if (restore && path == "/restore/next") {
    if (request.method != "GET") co_return method_not_allowed("GET");
    co_return co_await restore_next(peer);
  }
  if (request.method != "POST") co_return method_not_allowed("POST");
  if (path == "/init/error") co_return fail_init(std::move(request));
  if (restore && path == "/restore/error") co_return fail_restore(request);
  if (!path.starts_with(kInvocation)) co_return not_found();
  const std::size_t slash = path.rfind('/');
  const std::string verb = path.substr(slash);
  if (verb != "/response" && verb != "/error") co_return not_found();
  const std::string id = path.substr(kInvocation.size(), slash - kInvocation.size());
  co_return finish(id, verb == "/error", std::move(request));
}

asio::awaitable<Response> RuntimeApi::next(Peer& peer) {
  if (init_error_ || (busy() && !function_.managed())) co_return wrong_state();
  recorder_.event("next function");
  asked_ever_ = true;
  Parked parked(peer, parked_.emplace_back(nullptr));
  changed_.notify();
  co_await changed_.until([&parked] { return parked.answered(); });
  co_return parked.take();
}

asio::awaitable<Response> RuntimeApi::restore_next(Peer& peer) {
  if (asked_ever_) co_return wrong_state();
  recorder_.event("restore next function");
  asked_ever_ = true;
  Parked parked(peer, restoring_);
  changed_.notify();
  co_await changed_.until([&parked] { return parked.answered(); });
  co_return parked.take();
}

/// The init fails when the process ends, not before.
Response RuntimeApi::fail_init(Request request) {
  if (asked_ever_ || init_error_) return wrong_state();
  init_error_ = InitError{told_type(request), std::move(request.body)};
  recorder_.event("init/error from the runtime: " + init_error_->type);
  changed_.notify();
  return accepted();
}

Response RuntimeApi::fail_restore(const Request& request) {
  restore_error_ = told_type(request);
  recorder_.event("restore/error from the runtime: " + restore_error_);
  changed_.notify();
  return accepted();
}

Response RuntimeApi::finish(const std::string& id, bool is_error, Request request) {
  const auto found = std::ranges::find(running_, id, &Invoke::id);
  // aws/aws-lambda-runtime-interface-emulator:
  // internal/lambda-managed-instances/invoke/invoke_router.go
  if (found == running_.end() && given_up_.erase(id) > 0)
    return platform_error(410, "InvokeTimeout", "Invoke timeout");
  if (found == running_.end()) return platform_error(400, "InvalidRequestID", "Invalid request ID");
  Invoke& invoke = **found;
  if (invoke.responded_ms) return wrong_state();
  invoke.begun_ms = request.begun_ms;
  Response answer = take_answer(invoke, is_error, std::move(request));
  invoke.responded_ms = epoch_ms();
  recorder_.event(invoke.is_error ? "error from function" : "response from function");
  changed_.notify();
  return answer;
}

Response RuntimeApi::take_answer(Invoke& invoke, bool is_error, Request request) {
  const std::string_view mode =
      is_error ? "" : request.header("Lambda-Runtime-Function-Response-Mode");
  const bool streaming = mode == "streaming";
  if (!mode.empty() && !streaming) {
    invoke.is_error = true;
    invoke.error_type = "Runtime.InvalidResponseModeHeader";
    return platform_error(400, "InvalidFunctionResponseMode", "Invalid function response mode");
  }
  if (request.body.size() > kMostResponse && !streaming) {
    invoke.is_error = true;
    invoke.error_type = kResponseTooLarge;
    invoke.response =
        R"({"errorType":"Function.ResponseSizeTooLarge","errorMessage":)"
        R"("Response payload size exceeded maximum allowed payload size (6291556 bytes)."})";
    return platform_error(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size");
  }
  // A stream that fails half-way says so in its trailers.
  const bool broke = streaming && !request.header("Lambda-Runtime-Function-Error-Type").empty();
  invoke.is_error = is_error || broke;
  if (invoke.is_error) invoke.error_type = told_type(request);
  if (streaming)
    invoke.error_body =
        proto::decode_base64(request.header("Lambda-Runtime-Function-Error-Body")).value_or("");
  invoke.response = std::move(request.body);
  return accepted();
}

}  // namespace sandbox
