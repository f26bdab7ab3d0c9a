#pragma once
// TlsIdentity: the certificate chain and the private key that a server shows, from two PEM files,
// with what it speaks: TLS 1.2 and 1.3.
//
// The files may be exchanged while it serves: new connections get the new certificate, those that
// are open keep theirs. Files that cannot be used change nothing.
//
// Threads: every call is safe from any thread.
#include <filesystem>
#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "base/guarded.h"
#include "base/status.h"

namespace ctt::http {

class TlsIdentity {
 public:
  // kInvalidArgument ("bad_certificate"): a file cannot be read, or the two do not belong together.
  static Result<std::unique_ptr<TlsIdentity>> Load(const std::string& certificate,
                                                   const std::string& key);

  std::shared_ptr<boost::asio::ssl::context> context() const;
  Status Reload();
  bool FilesChanged() const;  // Since they were last looked at by Load or Reload.

 private:
  using Times = std::pair<std::filesystem::file_time_type, std::filesystem::file_time_type>;
  struct Present {
    std::shared_ptr<boost::asio::ssl::context> context;
    Times times;
  };
  TlsIdentity(std::string certificate, std::string key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}
  Times ReadTimes() const;

  const std::string certificate_;
  const std::string key_;
  Guarded<Present> present_;
};

}  // namespace ctt::http
