#include "base/base64.h"

#include <openssl/evp.h>

namespace ctt {

std::string ToBase64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // One more: OpenSSL ends it with NUL.
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Result<std::string> FromBase64(std::string_view text) {
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  // OpenSSL counts the padding as bytes, and passes over spaces at the ends.
  if (length >= 0)
    bytes.resize(static_cast<std::size_t>(length) - (text.ends_with("==")  ? 2
                                                     : text.ends_with('=') ? 1
                                                                           : 0));
  if (length < 0 || ToBase64(bytes) != text) return InvalidArgument("not base64");
  return bytes;
}

}  // namespace ctt
