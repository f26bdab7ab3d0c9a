#pragma once
// SHA-256, the name of every artefact and digest in ctt. Threads: values and pure functions; a
// Sha256Stream belongs to one thread.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ctt {

using Digest = std::array<std::uint8_t, 32>;

Digest Sha256(std::string_view bytes);
std::string ToHex(const Digest& digest);             // 64 lower-case digits.
bool FromHex(std::string_view hex, Digest& digest);  // false: not 64 hexadecimal digits.

// The digest of bytes that arrive in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  void Update(std::string_view bytes);
  Digest Finish();  // Once.

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace ctt
