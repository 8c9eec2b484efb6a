#include "relay/trust.hpp"

#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "relay/errc.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_file.hpp"

namespace {

using Context = proto::Result<ssl_ctx_st*>;

struct Lines final : relay::LogSink {
  bool write(std::string_view line) override {
    lines.emplace_back(line);
    return true;
  }

  std::vector<std::string> lines;
};

struct Fixture {
  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  Lines sink;
  relay::Log log{{}, sink, clock};
  support::Authority authority;

  relay::Trust::Settings settings(std::string ca_file, std::string ssl_cert_file = "") {
    return {std::move(ca_file), std::move(ssl_cert_file), {}};
  }
};

/// The certificate in DER verifies against the context, whatever the date.
bool verifies(ssl_ctx_st* context, std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  X509* const certificate = d2i_X509(nullptr, &at, static_cast<long>(der.size()));
  REQUIRE(certificate != nullptr);
  X509_STORE_CTX* const check = X509_STORE_CTX_new();
  X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(context), certificate, nullptr);
  X509_STORE_CTX_set_flags(check, X509_V_FLAG_NO_CHECK_TIME);
  const bool verified = X509_verify_cert(check) == 1;
  X509_STORE_CTX_free(check);
  X509_free(certificate);
  return verified;
}

std::string der_of(const std::string& pem) {
  std::string der;
  relay::PemReader reader(pem);
  CHECK(reader.next(der));
  return der;
}

}  // namespace

TEST_SUITE("relay/trust") {
  TEST_CASE_FIXTURE(Fixture,
                    "THAW_CA_FILE comes before SSL_CERT_FILE, and nothing else is trusted") {
    const support::Authority other;
    const support::TempFile first(authority.root());
    const support::TempFile second(other.root());
    relay::Trust trust(settings(first.path(), second.path()), log);
    CHECK(trust.source().empty());

    const Context context = support::run(io, trust.context());
    REQUIRE(context.has_value());
    CHECK(trust.source() == first.path());
    CHECK(verifies(*context, der_of(authority.root())));
    CHECK_FALSE(verifies(*context, der_of(other.root())));
    CHECK_FALSE(verifies(*context, relay::embedded_roots().front().der));
    CHECK(sink.lines.empty());
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a file the operator named that cannot be used is said, and the next taken") {
    const support::TempFile good(authority.root());
    const support::TempFile garbage(
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    for (const std::string& path :
         {std::string("/nonexistent"), std::string("/tmp"), garbage.path()}) {
      CAPTURE(path);
      sink.lines.clear();
      relay::Log fresh_log({}, sink, clock);
      relay::Trust trust(settings(path, good.path()), fresh_log);
      REQUIRE(support::run(io, trust.context()).has_value());
      CHECK(trust.source() == good.path());
      REQUIRE(sink.lines.size() == 1);
      CHECK(sink.lines[0].find("THAW_CA_FILE=" + path) != std::string::npos);
    }
  }

  TEST_CASE_FIXTURE(Fixture, "a bundle may hold other things, and certificates that are broken") {
    const support::Identity identity = authority.issue("DNS:localhost");
    const support::TempFile bundle("# A comment\n" + identity.key +
                                   "\n-----BEGIN CERTIFICATE-----\n!!\n" +
                                   "-----END CERTIFICATE-----\n" + authority.root());
    relay::Trust trust(settings(bundle.path()), log);
    const Context context = support::run(io, trust.context());
    REQUIRE(context.has_value());
    CHECK(trust.source() == bundle.path());
    CHECK(verifies(*context, der_of(identity.certificate)));
  }

  TEST_CASE_FIXTURE(Fixture, "a certificate that signs nothing may be named as itself") {
    const support::Identity identity = authority.issue("DNS:localhost");
    const support::TempFile leaf(identity.certificate);
    relay::Trust trust(settings(leaf.path()), log);
    const Context context = support::run(io, trust.context());
    REQUIRE(context.has_value());
    CHECK(verifies(*context, der_of(identity.certificate)));
  }

  TEST_CASE_FIXTURE(
      Fixture, "without any file the embedded roots serve, and only what is asked for is parsed") {
    relay::Trust trust(settings(""), log);
    const Context context = support::run(io, trust.context());
    REQUIRE(context.has_value());
    CHECK(trust.source() == "embedded");
    CHECK(relay::embedded_roots().size() > 100);

    X509_STORE* const store = SSL_CTX_get_cert_store(*context);
    CHECK(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) == 0);
    CHECK(verifies(*context, relay::embedded_roots().front().der));
    CHECK(sk_X509_OBJECT_num(X509_STORE_get0_objects(store)) == 1);
    CHECK_FALSE(verifies(*context, der_of(authority.root())));
  }

  TEST_CASE_FIXTURE(Fixture, "each embedded root is found by its subject") {
    relay::Trust trust(settings(""), log);
    const Context context = support::run(io, trust.context());
    REQUIRE(context.has_value());
    for (const relay::Root& root : relay::embedded_roots()) {
      CAPTURE(root.subject_hash);
      CHECK(verifies(*context, root.der));
    }
  }

  TEST_CASE_FIXTURE(Fixture, "a bundle takes at least one turn of the loop a certificate") {
    std::string many;
    for (int i = 0; i < 50; ++i) many += authority.root();
    const support::TempFile bundle(many);
    relay::Trust trust(settings(bundle.path()), log);
    support::Started<Context> loading(io, trust.context());
    int turns = 0;
    while (io.poll_one() > 0) ++turns;
    CHECK(loading.done());
    CHECK(turns >= 50);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "loading that is cancelled goes on where it was when somebody asks again") {
    std::string many;
    for (int i = 0; i < 50; ++i) many += authority.root();
    const support::TempFile bundle(many);
    relay::Trust trust(settings(bundle.path()), log);
    {
      support::Started<Context> first(io, trust.context());
      for (int turn = 0; turn < 25; ++turn) io.poll_one();
      first.cancel();
      CHECK(first.cancelled());
    }
    support::Started<Context> second(io, trust.context());
    support::Started<Context> third(io, trust.context());
    const Context context = second.get();
    REQUIRE(context.has_value());
    CHECK(third.get().value() == *context);
    CHECK(verifies(*context, der_of(authority.root())));
  }
}
