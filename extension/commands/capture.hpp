// `thaw serve --capture`: a Sentry of one's own, on the terminal. Nothing leaves the machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "extension/settings.hpp"
#include "relay/capture.hpp"

namespace extension {

struct CaptureOptions {
  bool json = false;  ///< items whole, as JSON lines
  std::string only;   ///< item types and data categories, separated by commas; "": all
};

/// "", or what is wrong with CaptureOptions::only.
[[nodiscard]] std::string check_only(std::string_view words);

/// Every key and project is taken; nothing is read from an earlier process, compressed or left on
/// disk.
void prepare_for_capture(Settings& settings);

/// What the terminal is told of it: lines with their ends; "" if the options leave all of it out.
/// Safe to print, whatever the envelope holds.
[[nodiscard]] std::string captured_text(const relay::Captured& captured,
                                        const CaptureOptions& options);

/// Where SDKs are to send.
[[nodiscard]] std::string capture_greeting(std::uint16_t port);

/// "captured 3 envelopes: 2 error, 1 transaction"
[[nodiscard]] std::string captured_summary(const relay::Capture& capture);

}  // namespace extension
