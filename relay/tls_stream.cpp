#include "relay/tls_stream.hpp"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "relay/errc.hpp"

namespace relay {
namespace {

int length_of(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, std::numeric_limits<int>::max()));
}

Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

int read_wire(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const Step step = wire_of(bio).receive({into, static_cast<std::size_t>(size)});
  if (step.want == Step::Want::readable) BIO_set_retry_read(bio);
  return step.bytes > 0 ? static_cast<int>(step.bytes) : -1;
}

int write_wire(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  const Step step = wire_of(bio).send({from, static_cast<std::size_t>(size)});
  if (step.want == Step::Want::writable) BIO_set_retry_write(bio);
  return step.bytes > 0 ? static_cast<int>(step.bytes) : -1;
}

long control_wire(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

boost::system::error_code first_openssl_error() {
  const auto code = static_cast<int>(ERR_peek_error());
  if (code == 0) return boost::asio::error::connection_aborted;
  return {code, boost::asio::error::get_ssl_category()};
}

int on_new_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<TlsStream*>(SSL_get_app_data(ssl))->keep(session);
  return 1;
}

}  // namespace

void configure_for_streams(ssl_ctx_st* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  // One record a write, so that progress shows; and idle connections give their buffers back.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
}

void TlsStream::Free::operator()(bio_method_st* method) const { BIO_meth_free(method); }

void TlsStream::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsStream::TlsStream(ssl_ctx_st* context, Wire& wire, Endpoint endpoint, TlsSessions& sessions)
    : wire_(wire),
      endpoint_(std::move(endpoint)),
      sessions_(sessions),
      method_(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "wire")),
      ssl_(SSL_new(context)) {
  if (!method_ || !ssl_) throw std::bad_alloc();
  BIO_meth_set_read(method_.get(), read_wire);
  BIO_meth_set_write(method_.get(), write_wire);
  BIO_meth_set_ctrl(method_.get(), control_wire);
  BIO* const bio = BIO_new(method_.get());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_connect_state(ssl_.get());
  name_peer();
  if (SSL_SESSION* const session = sessions_.find(endpoint_)) SSL_set_session(ssl_.get(), session);
}

TlsStream::~TlsStream() {
  // Without either, OpenSSL marks the session, which we may have kept, as not resumable.
  if (broken_ || mid_write_ || SSL_is_init_finished(ssl_.get()) == 0) {
    SSL_set_quiet_shutdown(ssl_.get(), 1);
  }
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

void TlsStream::name_peer() {
  X509_VERIFY_PARAM* const expected = SSL_get0_param(ssl_.get());
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  boost::system::error_code not_literal;
  const auto literal = boost::asio::ip::make_address(endpoint_.host, not_literal);
  int named = 0;
  if (not_literal) {
    // RFC 6066, 3: a host name without a trailing dot; literals are not permitted there.
    named =
        SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 endpoint_.host.data()) == 1 &&
        X509_VERIFY_PARAM_set1_host(expected, endpoint_.host.data(), endpoint_.host.size()) == 1;
  } else if (literal.is_v4()) {
    const auto bytes = literal.to_v4().to_bytes();
    named = X509_VERIFY_PARAM_set1_ip(expected, bytes.data(), bytes.size());
  } else {
    const auto bytes = literal.to_v6().to_bytes();
    named = X509_VERIFY_PARAM_set1_ip(expected, bytes.data(), bytes.size());
  }
  broken_ = named != 1;  // a stream that could not say whom it expects must not speak
}

Step TlsStream::handshake() {
  if (broken_)
    return {.want = Step::Want::nothing, .bytes = 0, .failed = Errc::certificate_rejected};
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return {};
  const Step step = outcome(result);
  if (step.failed) sessions_.drop(endpoint_);
  return step;
}

Step TlsStream::read(boost::asio::mutable_buffer into) {
  ERR_clear_error();
  const int result = SSL_read(ssl_.get(), into.data(), length_of(into.size()));
  if (result <= 0) return outcome(result);
  return {.want = Step::Want::nothing, .bytes = static_cast<std::size_t>(result), .failed = {}};
}

Step TlsStream::write(std::string_view bytes) {
  ERR_clear_error();
  const int result = SSL_write(ssl_.get(), bytes.data(), length_of(bytes.size()));
  mid_write_ = result <= 0;
  if (result <= 0) return outcome(result);
  return {.want = Step::Want::nothing, .bytes = static_cast<std::size_t>(result), .failed = {}};
}

bool TlsStream::quiet() {
  char byte = 0;
  ERR_clear_error();
  const int result = SSL_peek(ssl_.get(), &byte, 1);
  return result <= 0 && outcome(result).want == Step::Want::readable;
}

bool TlsStream::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

std::string TlsStream::verification() const {
  return X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
}

Step TlsStream::outcome(int result) {
  Step step;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      step.want = Step::Want::readable;
      return step;
    case SSL_ERROR_WANT_WRITE:
      step.want = Step::Want::writable;
      return step;
    // A peer that leaves without close_notify cut at most a body, which nobody reads.
    case SSL_ERROR_ZERO_RETURN:
      step.failed = boost::asio::error::eof;
      break;
    default:
      if (SSL_get_verify_result(ssl_.get()) != X509_V_OK) {
        step.failed = Errc::certificate_rejected;
      } else if (wire_.failed()) {
        step.failed = wire_.failed();
      } else {
        step.failed = first_openssl_error();
      }
  }
  broken_ = true;
  ERR_clear_error();
  return step;
}

}  // namespace relay
