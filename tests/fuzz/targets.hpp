// What foreign bytes can reach, one function each, and what must hold whatever the bytes are.
// libFuzzer calls them (fuzzer.cpp), the unit tests with each file of corpus/NAME
// (replay_test.cpp). They check with doctest's words; the first line of each x_fuzz.cpp says what
// its input looks like.
#pragma once

#include <string_view>

namespace fuzz {

void answer(std::string_view input);
void auth(std::string_view input);
void codec(std::string_view input);
void dsn(std::string_view input);
void endpoint(std::string_view input);
void envelope(std::string_view input);
void event(std::string_view input);
void journal(std::string_view input);
void listener(std::string_view input);
void proxy(std::string_view input);
void rate_limits(std::string_view input);
void requests(std::string_view input);
void telemetry(std::string_view input);
void tunnel(std::string_view input);
void upstream(std::string_view input);

}  // namespace fuzz
