#include "http/tls_identity.h"

#include <utility>

namespace ctt::http {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

Status Bad(const std::string& file, const std::string& why) {
  return {Code::kInvalidArgument, "bad_certificate", file + ": " + why};
}

// A client that offers no protocol we know is served all the same; it will speak HTTP/1.1.
int ChooseProtocol(SSL*, const unsigned char** chosen, unsigned char* size,
                   const unsigned char* offered, unsigned offered_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* out = nullptr;
  if (SSL_select_next_proto(&out, size, kHttp11, sizeof kHttp11 - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = out;
  return SSL_TLSEXT_ERR_OK;
}

Result<std::shared_ptr<ssl::context>> MakeContext(const std::string& certificate,
                                                  const std::string& key) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Of TLS 1.2 only what has forward secrecy and authenticated encryption.
  SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_alpn_select_cb(native, ChooseProtocol, nullptr);
  error_code error;
  context->use_certificate_chain_file(certificate, error);
  if (error) return Bad(certificate, "no certificate chain in PEM: " + error.message());
  context->use_private_key_file(key, ssl::context::pem, error);
  if (error)
    return Bad(key, "no private key in PEM that belongs to the certificate: " + error.message());
  if (SSL_CTX_check_private_key(native) != 1)
    return Bad(key, "the private key does not belong to the certificate");
  return context;
}

}  // namespace

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::Load(const std::string& certificate,
                                                       const std::string& key) {
  std::unique_ptr<TlsIdentity> identity(new TlsIdentity(certificate, key));
  CTT_RETURN_IF_ERROR(identity->Reload());
  return identity;
}

std::shared_ptr<ssl::context> TlsIdentity::context() const {
  return present_.With([](const Present& present) { return present.context; });
}

Status TlsIdentity::Reload() {
  const Times times = ReadTimes();
  auto context = MakeContext(certificate_, key_);
  present_.With([&](Present& present) {
    present.times = times;  // Bad files are reported once, not at every look.
    if (context.ok()) present.context = *context;
  });
  return context.status();
}

bool TlsIdentity::FilesChanged() const {
  const Times now = ReadTimes();
  return present_.With([&](const Present& present) { return present.times != now; });
}

TlsIdentity::Times TlsIdentity::ReadTimes() const {
  std::error_code ignored;
  return {std::filesystem::last_write_time(certificate_, ignored),
          std::filesystem::last_write_time(key_, ignored)};
}

}  // namespace ctt::http
