// What a path below /api/{project}/ is, for everything an SDK or a crash reporter may post: an
// envelope, or a request whose body is nobody's business but upstream's. Which answer its sender
// expects at once, and how it travels on with exactly one auth. (getsentry/relay:
// relay-server/src/endpoints/mod.rs and its handlers; checked 2026-11) And the one path beside
// them, the tunnel of Sentry's own Lambda extension (getsentry/sentry-javascript:
// packages/aws-serverless/src/lambda-extension/; checked 2026-11).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/category.hpp"
#include "proto/dsn.hpp"

namespace proto {

/// What a request target holds; both are views into it.
struct TargetParts {
  std::string_view path;
  std::string_view query;  ///< what stands behind the first '?'
};

[[nodiscard]] TargetParts split_target(std::string_view target);

enum class EndpointKind : std::uint8_t {
  envelope,     ///< envelope/
  tunnel,       ///< /envelope… without a project: an envelope that says itself where it belongs
  store,        ///< store/: one event as JSON, from before there were envelopes
  cron,         ///< cron/{slug}/ and cron/{slug}/{key}/: a check-in
  otlp,         ///< integration/otlp/v1/traces/ and …/logs/
  vercel,       ///< integration/vercel/logs/
  minidump,     ///< minidump/
  unreal,       ///< unreal/{key}/
  attachments,  ///< events/{id}/attachments/
  security,     ///< security/, csp-report/, nel/
  other,        ///< whatever else stands below a project
};

struct Endpoint {
  EndpointKind kind = EndpointKind::other;
  std::string prefix;        ///< in front of /api/, "" or "/a/b": may name the upstream
  std::string_view project;  ///< as it stands in the path; a number where the kind is other
  /// Below the project, "cron/nightly/", repeated slashes folded. The kinds that are known end with
  /// a slash, as Relay's own routes do; of others the last slash is as it came.
  std::string path;
};

/// Matches by suffix and tolerates a prefix, repeated slashes and a missing last one. nullopt: no
/// such path. Neither are paths with a "." or ".." in them; /api/0/…, which is Sentry's web API;
/// /api/{project}/upload/…, whose sender needs the upstream's own answer; and /api/store/. What
/// begins with /envelope and is none of all these is the tunnel, as Sentry's extension takes it.
/// The project views into `path`.
[[nodiscard]] std::optional<Endpoint> match_endpoint(std::string_view path);

/// All are posted to; a check-in may be a GET as well. Else 405.
[[nodiscard]] bool takes_method(EndpointKind kind, std::string_view method);

/// Whether the body is an envelope: so is one to store/ with the envelope's own Content-Type.
[[nodiscard]] bool takes_envelope(EndpointKind kind, std::string_view content_type);

/// The key that Endpoint::path holds, of cron and unreal; "" if it holds none. A view into `path`.
[[nodiscard]] std::string_view key_in_path(std::string_view path);

/// What our accounts count a request of this kind as that is no envelope.
[[nodiscard]] Category opaque_category(EndpointKind kind);

struct InstantAnswer {
  unsigned status = 200;
  std::string body;
  std::string_view content_type;  ///< "" where there is no body
};

/// What upstream answers when all is well. `content_type` is the request's: OTLP answers in kind.
/// An id that upstream would have made up is made from `random`. That of store/ is as well,
/// although the event may hold its own: the body is not looked into, whoever wrote an event_id
/// knows it, and who reads the answer wants 32 digits.
[[nodiscard]] InstantAnswer success_answer(EndpointKind kind, std::string_view content_type,
                                           std::array<std::uint64_t, 2> random);

/// Where the one auth of a forwarded request is.
enum class AuthPlace : std::uint8_t { header, query, path };

struct UpstreamTarget {
  std::string target;  ///< path and query
  AuthPlace auth = AuthPlace::header;
};

/// The target for `path` and `query` as Endpoint::path and strip_auth left them. A key in the path
/// is the auth and stays there; it must be the DSN's. In the query, in front of the rest, it
/// travels where the rest of the query holds "sentry_" ("sentry_release"): upstream takes that for
/// an auth of its own and would find two. Else the caller adds the header X-Sentry-Auth.
[[nodiscard]] UpstreamTarget compose_target(const Dsn& dsn, std::string_view path,
                                            std::string_view query, std::string_view client);

}  // namespace proto
