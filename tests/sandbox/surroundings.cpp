#include "tests/sandbox/surroundings.hpp"

#include <cstdlib>
#include <filesystem>
#include <set>
#include <utility>

#include <unistd.h>

namespace sandbox {
namespace {

namespace fs = std::filesystem;
using Variables = std::map<std::string, std::string>;

Variables common_variables(const Options& options, const std::string& api) {
  Variables variables{{"AWS_ACCESS_KEY_ID", "ASIASANDBOXSANDBOX00"},
                      {"AWS_SECRET_ACCESS_KEY", "sandbox-has-no-secrets"},
                      {"AWS_SESSION_TOKEN", "sandbox-session"},
                      {"AWS_REGION", "us-east-1"},
                      {"AWS_DEFAULT_REGION", "us-east-1"},
                      {"AWS_LAMBDA_FUNCTION_NAME", options.facts.name},
                      {"AWS_LAMBDA_FUNCTION_VERSION", options.facts.version},
                      {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(options.facts.memory_mb)},
                      {"AWS_LAMBDA_INITIALIZATION_TYPE", options.facts.initialization_type()},
                      {"AWS_LAMBDA_LOG_FORMAT", "Text"},
                      {"AWS_LAMBDA_RUNTIME_API", api},
                      {"TZ", ":UTC"}};
  if (options.facts.managed())
    variables["AWS_LAMBDA_MAX_CONCURRENCY"] = std::to_string(options.facts.max_concurrency);
  return variables;
}

std::string own_variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : otherwise;
}

void add_function_variables(const Options& options, Variables& variables) {
  const std::string log_stream = "2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef";
  std::error_code ignored;
  variables["_HANDLER"] = options.facts.handler;
  variables["_X_AMZN_TRACE_ID"] = "";
  variables["AWS_EXECUTION_ENV"] = "AWS_Lambda_provided.al2023";
  variables["AWS_LAMBDA_LOG_GROUP_NAME"] = "/aws/lambda/" + options.facts.name;
  variables["AWS_LAMBDA_LOG_STREAM_NAME"] = log_stream;
  variables["AWS_XRAY_CONTEXT_MISSING"] = "LOG_ERROR";
  variables["AWS_XRAY_DAEMON_ADDRESS"] = "169.254.79.129:2000";
  variables["LAMBDA_TASK_ROOT"] = fs::current_path(ignored).string();
  variables["LAMBDA_RUNTIME_DIR"] = "/var/runtime";
  variables["LANG"] = "en_US.UTF-8";
  variables["PATH"] = own_variable("PATH", "/usr/local/bin:/usr/bin:/bin");
  variables["HOME"] = own_variable("HOME", "/tmp");
}

/// What an extension does not get even if the customer sets it.
bool is_withheld(const std::string& name) {
  static const std::set<std::string> withheld{
      "AWS_EXECUTION_ENV",        "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
      "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS",   "LAMBDA_RUNTIME_DIR",
      "LAMBDA_TASK_ROOT"};
  return name.starts_with('_') || withheld.contains(name);
}

void add_customer_variables(const std::vector<std::string>& list, const Placeholders& placeholders,
                            bool is_extension, Variables& variables) {
  for (const std::string& entry : list) {
    const std::size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (is_extension && is_withheld(name)) continue;
    variables[name] = fill_in(entry.substr(equals + 1), placeholders);
  }
}

std::vector<std::string> to_block(const Variables& variables) {
  std::vector<std::string> block;
  block.reserve(variables.size());
  for (const auto& [name, value] : variables) block.emplace_back(name).append("=").append(value);
  return block;
}

}  // namespace

RunDirectory::RunDirectory(std::optional<Identity> owner) {
  std::string pattern = "/tmp/thaw-sandbox-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return;
  root_ = pattern;
  std::error_code ignored;
  fs::create_directory(tmp(), ignored);
  if (!owner) return;
  fs::permissions(root_, fs::perms(0755), ignored);
  [[maybe_unused]] const int failed = ::chown(tmp().c_str(), owner->user, owner->group);
}

RunDirectory::~RunDirectory() {
  std::error_code ignored;
  if (ok()) fs::remove_all(root_, ignored);
}

void RunDirectory::empty_tmp() const {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(tmp(), ignored))
    fs::remove_all(entry.path(), ignored);
}

std::string fill_in(std::string text, const Placeholders& placeholders) {
  for (const auto& [name, value] : placeholders) {
    const std::string mark = "{" + name + "}";
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += value.size())
      text.replace(at, mark.size(), value);
  }
  return text;
}

Command function_command(const Options& options, const Placeholders& placeholders,
                         const std::string& api) {
  Variables variables;
  add_function_variables(options, variables);
  add_customer_variables(options.env, placeholders, false, variables);
  add_customer_variables(options.function_env, placeholders, false, variables);
  variables.merge(common_variables(options, api));
  Command command;
  command.label = "function";
  command.is_function = true;
  for (const auto& argument : options.function)
    command.arguments.push_back(fill_in(argument, placeholders));
  command.environment = to_block(variables);
  std::error_code ignored;
  command.directory = fs::current_path(ignored).string();
  command.descriptors = options.descriptors;
  return command;
}

Command extension_command(const Options& options, const std::string& path,
                          const Placeholders& placeholders, const std::string& api) {
  Variables variables;
  add_customer_variables(options.env, placeholders, true, variables);
  add_customer_variables(options.extension_env, placeholders, true, variables);
  variables.merge(common_variables(options, api));
  std::error_code ignored;
  const fs::path absolute = fs::absolute(path, ignored);
  Command command;
  command.label = absolute.filename().string();
  command.arguments.push_back(absolute.string());
  command.environment = to_block(variables);
  command.directory = "/";
  command.descriptors = options.descriptors;
  return command;
}

}  // namespace sandbox
