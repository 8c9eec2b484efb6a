// What the children find around them: a private directory, and exactly the variables of the
// platform. AWS docs, "Using the Lambda Extensions API to create extensions", configuration;
// "Defining Lambda environment variables", reserved and unreserved runtime variables.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sandbox/options.hpp"
#include "tests/sandbox/process.hpp"

namespace sandbox {

/// A fresh directory under /tmp, removed with all that is in it at the end.
class RunDirectory {
 public:
  /// `owner` shall be able to write in {tmp}.
  explicit RunDirectory(std::optional<Identity> owner);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  [[nodiscard]] bool ok() const { return !root_.empty(); }

  [[nodiscard]] const std::string& path() const { return root_; }

  [[nodiscard]] std::string tmp() const { return root_ + "/tmp"; }

  [[nodiscard]] std::string ca() const { return root_ + "/ca.pem"; }

  /// What a new environment finds in its /tmp: nothing.
  void empty_tmp() const;

 private:
  std::string root_;
};

/// {name} -> value.
using Placeholders = std::map<std::string, std::string>;
[[nodiscard]] std::string fill_in(std::string text, const Placeholders& placeholders);

[[nodiscard]] Command function_command(const Options& options, const Placeholders& placeholders,
                                       const std::string& api);
[[nodiscard]] Command extension_command(const Options& options, const std::string& path,
                                        const Placeholders& placeholders, const std::string& api);

}  // namespace sandbox
