// An accepted request as the one that carries it upstream. Pure.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "proto/bytes.hpp"
#include "proto/encoder.hpp"
#include "relay/destinations.hpp"
#include "relay/parcel.hpp"
#include "relay/upstream.hpp"

namespace relay {

/// A request together with the body it points to.
struct ComposedRequest {
  UpstreamRequest request;
  proto::Bytes body;
  bool zstd = false;
};

/// The body is the header line with fresh sent_at and dsn, then the items as they came; compressed
/// from 1 KiB on. Exactly one auth; the SDK's User-Agent, or ours where it sent none; nothing else
/// of what the SDK's request said travels on (getsentry/relay:
/// relay-server/src/services/upstream.rs).
/// An opaque request keeps its path, query and Content-Type; where its query would be
/// taken for an auth, the auth travels in the query.
[[nodiscard]] std::unique_ptr<ComposedRequest> compose(const Parcel& parcel,
                                                       const Destination& destination, WallTime now,
                                                       proto::Encoder& encoder);

/// compose() some at a time: a large body takes longer to encode than one turn of a loop may.
class Composition {
 public:
  /// The parcel and the encoder, which is this one's alone until then, stay until it is done.
  Composition(const Parcel& parcel, const Destination& destination, WallTime now,
              proto::Encoder& encoder);
  Composition(const Composition&) = delete;
  Composition& operator=(const Composition&) = delete;

  /// Goes on for about `bytes` of the body. True: it is done.
  [[nodiscard]] bool step(std::size_t bytes) { return encoder_.step(bytes, composed_->body); }

  /// Once it is done.
  [[nodiscard]] std::unique_ptr<ComposedRequest> take();

 private:
  proto::Encoder& encoder_;
  std::unique_ptr<ComposedRequest> composed_ = std::make_unique<ComposedRequest>();
  std::string head_;  ///< of the body
};

/// Our own losses of one DSN, as an envelope of their own; only on a connection that is there.
[[nodiscard]] ComposedRequest compose_report(const proto::ClientReport& report,
                                             const Destination& destination, WallTime now);

}  // namespace relay
