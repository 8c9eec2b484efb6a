// Views must not outlive what they point into: asking a temporary for one does not compile.
// Built twice: with MISUSE it must fail, without it must pass.
#include "proto/bytes.hpp"
#include "proto/envelope.hpp"

std::size_t body_size() {
#ifdef MISUSE_BYTES
  return proto::Bytes::copy_of("{}").view().size();
#else
  const auto bytes = proto::Bytes::copy_of("{}");
  return bytes.view().size();
#endif
}

std::size_t items_size() {
#ifdef MISUSE_ENVELOPE
  return proto::Envelope::parse(proto::Bytes::copy_of("{}")).value().items_as_they_came().size();
#else
  const auto envelope = proto::Envelope::parse(proto::Bytes::copy_of("{}"));
  return envelope->items_as_they_came().size();
#endif
}
