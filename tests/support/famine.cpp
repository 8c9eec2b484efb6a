#include "tests/support/famine.hpp"

#include <cstdlib>
#include <new>
#include <utility>

#include <simdjson.h>

namespace {

using support::Whose;

/// One a thread: others, a name server's, go on as ever.
struct State {
  bool famine = false;
  Whose whose = Whose::ours;
  int plenty = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t allocations = 0;
};

thread_local State state;

/// Of the next allocation.
bool fails(Whose whose) {
  if (!state.famine || state.whose != whose || state.plenty > 0) return false;
  const std::size_t number = state.allocations++;
  return number >= state.begin && number < state.end;
}

/// nullptr: there is none.
void* block_of(std::size_t size, bool spared = false) {
  return !spared && fails(Whose::ours) ? nullptr : std::malloc(size == 0 ? 1 : size);
}

}  // namespace

// All of them, but the aligned ones: ASan has its own, and what one makes the other may not free.
void* operator new(std::size_t size) {
  void* const block = block_of(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void* operator new[](std::size_t size) { return ::operator new(size); }

void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return block_of(size); }

/// What simdjson checks itself with, in debug builds alone, it takes without a look.
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  constexpr std::size_t kOfChecks = 2UL * 127 * sizeof(simdjson::ondemand::token_position);
  return block_of(size, size == kOfChecks);
}

void operator delete(void* block) noexcept { std::free(block); }

void operator delete[](void* block) noexcept { std::free(block); }

void operator delete(void* block, std::size_t) noexcept { std::free(block); }

void operator delete[](void* block, std::size_t) noexcept { std::free(block); }

void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }

void operator delete[](void* block, const std::nothrow_t&) noexcept { std::free(block); }

// The linker leads calls here (--wrap). NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
void* __real_realloc(void* block, std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);

void* __wrap_realloc(void* block, std::size_t size) {
  return fails(Whose::ours) ? nullptr : __real_realloc(block, size);
}

void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  return fails(Whose::asios) ? nullptr : __real_aligned_alloc(alignment, size);
}
}

// NOLINTEND(bugprone-reserved-identifier)

namespace support {

Famine::Famine(Whose whose, std::size_t begin, std::size_t length) {
  state = {true, whose, 0, begin, begin + length, 0};
}

Famine::~Famine() { state.famine = false; }

bool Famine::came() { return state.allocations > state.begin; }

Plenty::Plenty() { ++state.plenty; }

Plenty::~Plenty() { --state.plenty; }

Hunger::Hunger() : plenty_(std::exchange(state.plenty, 0)) {}

Hunger::~Hunger() { state.plenty = plenty_; }

}  // namespace support
