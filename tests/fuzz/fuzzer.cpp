// libFuzzer's entry points around one target, THAW_FUZZ_TARGET. A check that fails ends the
// process, which libFuzzer takes for the finding that it is.
#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdio>
#include <cstdlib>

#include <doctest/doctest.h>

#include "tests/fuzz/targets.hpp"

namespace {

void end(const doctest::AssertData& failed) {
  std::fprintf(stderr, "%s:%d: %s( %s ) is not so: %s %s\n", failed.m_file, failed.m_line,
               doctest::assertString(failed.m_at), failed.m_expr, failed.m_decomp.c_str(),
               failed.m_exception.c_str());
  std::abort();
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming): the names are libFuzzer's
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  static doctest::Context context;
  context.setAsDefaultForAssertsOutOfTestCases();
  context.setAssertHandler(&end);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  fuzz::THAW_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}

// NOLINTEND(readability-identifier-naming)
