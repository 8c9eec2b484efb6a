#include "relay/trust.hpp"

#include <cerrno>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/errc.hpp"
#include "relay/tls_stream.hpp"

namespace relay {
namespace {

// Ten times the largest bundle of a distribution.
constexpr off_t kMostBytes = off_t{4} * 1024 * 1024;

boost::system::error_code last_error() { return {errno, boost::system::system_category()}; }

class File {
 public:
  // O_NONBLOCK: a FIFO must not hold us.
  explicit File(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}

  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }

  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

/// A regular file of moderate size, whole.
proto::Result<std::string> read_file(const std::string& path) {
  const File file(path);
  struct stat status{};
  if (file.fd() < 0 || ::fstat(file.fd(), &status) != 0) return last_error();
  if (!S_ISREG(status.st_mode))
    return boost::system::error_code(EINVAL, boost::system::system_category());
  if (status.st_size > kMostBytes)
    return boost::system::error_code(EFBIG, boost::system::system_category());
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t got = ::read(file.fd(), text.data(), text.size());
  if (got < 0) return last_error();
  text.resize(static_cast<std::size_t>(got));
  return text;
}

}  // namespace

void Trust::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Trust::Trust(Settings settings, Log& log) : settings_(std::move(settings)), log_(log) {}

Trust::~Trust() = default;

asio::awaitable<proto::Result<ssl_ctx_st*>> Trust::context() {
  // Whoever waits does a step each turn; several may, and one that is cancelled is not missed.
  while (!done_) {
    step();
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  }
  if (!context_) co_return Errc::no_trust;
  co_return context_.get();
}

void Trust::step() {
  if (candidates_.empty()) return list_candidates();
  if (reader_) {
    std::string der;
    const bool more = reader_->next(der);
    if (!der.empty()) roots_.add(std::move(der));
    if (!more) close_candidate();
    return;
  }
  if (source_.empty() && candidate_ < candidates_.size()) return open_candidate();
  if (source_.empty()) {
    roots_.add(embedded_roots());
    source_ = "embedded";
  }
  make_context();
}

void Trust::list_candidates() {
  if (!settings_.ca_file.empty()) candidates_.push_back({settings_.ca_file, "THAW_CA_FILE"});
  if (!settings_.ssl_cert_file.empty())
    candidates_.push_back({settings_.ssl_cert_file, "SSL_CERT_FILE"});
  for (const std::string& path : settings_.system_files) candidates_.push_back({path, ""});
  // So that the list is never empty once made; "" cannot be opened.
  candidates_.push_back({"", ""});
}

void Trust::open_candidate() {
  auto text = read_file(candidates_[candidate_].path);
  if (text) {
    reader_ = std::make_unique<PemReader>(std::move(*text));
  } else {
    give_up(candidates_[candidate_++], text.error().message());
  }
}

void Trust::close_candidate() {
  reader_.reset();
  const Candidate& candidate = candidates_[candidate_++];
  if (roots_.size() > 0) {
    source_ = candidate.path;
  } else {
    give_up(candidate, "no certificate in it");
  }
}

void Trust::give_up(const Candidate& candidate, const std::string& why) {
  if (candidate.variable.empty()) return;
  log_.once(candidate.variable, LogLevel::warn,
            candidate.variable + "=" + candidate.path + " cannot be used (" + why +
                "); name a readable file of PEM certificates. Trying the next source.");
}

void Trust::make_context() {
  done_ = true;
  if (roots_.size() == 0) return;
  // The host's openssl.cnf is for its own programs; it may name modules that we could not load.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  context_.reset(SSL_CTX_new(TLS_client_method()));
  if (!context_) return;
  configure_for_streams(context_.get());
  X509_STORE* const store = SSL_CTX_get_cert_store(context_.get());
  // What the operator put into the file is trusted, self-signed or not (as curl does).
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  if (!roots_.serve(store)) context_.reset();
}

}  // namespace relay
