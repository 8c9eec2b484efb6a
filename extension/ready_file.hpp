// THAW_SPOOL_DIR/ready: the port, for whoever starts the function. Written before Thaw registers;
// as the runtime starts only after that, it is there in time, and as it is removed first thing at
// start it is never stale (AWS docs, "Understanding the Lambda execution environment lifecycle";
// checked 2026-11).
#pragma once

#include <cstdint>
#include <string>

#include <boost/system/error_code.hpp>

namespace extension {

/// So that a file of an earlier process names no dead port. What stands in the way will stand in
/// the way of write_ready_file(), which says so.
void remove_ready_file(const std::string& directory);

/// In `directory` as relay::Disk opens it: made if it is not there, else ours alone. Never follows
/// a link at the file's name.
[[nodiscard]] boost::system::error_code write_ready_file(const std::string& directory,
                                                         std::uint16_t port);

}  // namespace extension
