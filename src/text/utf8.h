#pragma once
// UTF-8 <-> code points.
//
// Bytes that are not UTF-8 are read as U+FFFD, one for each maximal part that begins a character
// but cannot go on (Unicode standard, section 3.9, "U+FFFD substitution of maximal subparts").
// Threads: pure functions.
#include <cstdint>
#include <string_view>

namespace ctt::text {

inline constexpr char32_t kReplacement = 0xFFFD;

struct Decoded {
  char32_t code_point;
  std::uint32_t size;  // Bytes read, at least 1.
};

// The first character of `bytes`. REQUIRES: !bytes.empty().
Decoded DecodeUtf8(std::string_view bytes);

// Writes `code_point` to `out` and returns the bytes written, 1 to 4.
// REQUIRES: a scalar value, which is a code point up to U+10FFFF that is no surrogate.
std::uint32_t EncodeUtf8(char32_t code_point, char out[4]);

}  // namespace ctt::text
