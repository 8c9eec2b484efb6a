// One file descriptor kept back, so that the platform can be asked for the next event even when
// clients and upstream connections have used up all others: an extension that cannot ask holds up
// the function.
#pragma once

namespace extension {

class ReservedDescriptor {
 public:
  ReservedDescriptor() { take(); }

  ~ReservedDescriptor() { give(); }

  ReservedDescriptor(const ReservedDescriptor&) = delete;
  ReservedDescriptor& operator=(const ReservedDescriptor&) = delete;

  /// Frees the descriptor for whoever opens one next, in the same breath.
  void give();
  /// Takes one back. Where none is free now, the next call tries again.
  void take();

 private:
  int fd_ = -1;
};

/// Lends it for as long as this lives. Declare it before the socket that is to use it.
class Lent {
 public:
  explicit Lent(ReservedDescriptor& reserved) : reserved_(reserved) { reserved_.give(); }

  ~Lent() { reserved_.take(); }

  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

 private:
  ReservedDescriptor& reserved_;
};

}  // namespace extension
