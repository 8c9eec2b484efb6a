// THAW_SPOOL_DIR/invoke: the invoke that is open, for the process that a reset may bring. One small
// record, written anew in place by one system call, not synced: it has to outlive the process, not
// the machine. Whatever is wrong with the disk costs at most the knowledge of one failure.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "extension/kept_invoke.hpp"
#include "proto/result.hpp"
#include "relay/disk.hpp"

namespace extension {

class InvokeFile {
 public:
  /// `disk` outlives it. Touches no disk yet.
  InvokeFile(relay::Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}

  /// What an earlier process has left. nullopt: nothing, or nothing that can be believed: a file
  /// that is torn, longer than ours ever is, a link, or another user's.
  [[nodiscard]] std::optional<KeptInvoke> recover();

  /// In the place of what was kept before. A file that is gone, or was never ours, is made anew.
  /// Errors: the disk's; then what was kept before is forgotten, if the disk lets it.
  [[nodiscard]] proto::Result<void> keep(const KeptInvoke& invoke);

 private:
  [[nodiscard]] proto::Result<void> open_or_create();

  relay::Disk& disk_;
  std::string folder_;
  relay::Descriptor file_;
};

}  // namespace extension
