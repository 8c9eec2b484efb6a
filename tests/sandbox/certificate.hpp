// A certificate authority that lives as long as one run, and one server certificate of it.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

namespace sandbox {

/// A context that answers as `localhost`, `127.0.0.1` and `upstream.test`. Writes the CA's
/// certificate to `ca_path`. `resumes`: it gives out session tickets. Null if OpenSSL or the file
/// system refuses.
[[nodiscard]] std::unique_ptr<boost::asio::ssl::context> make_tls(const std::string& ca_path,
                                                                  bool resumes);

}  // namespace sandbox
