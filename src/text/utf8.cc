#include "text/utf8.h"

namespace ctt::text {
namespace {

// What a lead byte promises: how many bytes follow, and the range of the first of them, which is
// narrower than 80..BF where that keeps out overlong forms, surrogates and values past U+10FFFF.
struct Lead {
  std::uint32_t following;  // 0: no lead byte.
  std::uint8_t first_min = 0x80;
  std::uint8_t first_max = 0xBF;
};

Lead ReadLead(std::uint8_t byte) {
  if (byte < 0xC2) return {0};
  if (byte < 0xE0) return {1};
  if (byte == 0xE0) return {2, 0xA0, 0xBF};
  if (byte == 0xED) return {2, 0x80, 0x9F};
  if (byte < 0xF0) return {2};
  if (byte == 0xF0) return {3, 0x90, 0xBF};
  if (byte < 0xF4) return {3};
  if (byte == 0xF4) return {3, 0x80, 0x8F};
  return {0};
}

}  // namespace

Decoded DecodeUtf8(std::string_view bytes) {
  const auto first = static_cast<std::uint8_t>(bytes[0]);
  if (first < 0x80) return {first, 1};
  const Lead lead = ReadLead(first);
  if (lead.following == 0) return {kReplacement, 1};
  char32_t code_point = first & (0x3F >> lead.following);
  for (std::uint32_t i = 1; i <= lead.following; ++i) {
    if (i == bytes.size()) return {kReplacement, i};
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    const bool fits = i == 1 ? byte >= lead.first_min && byte <= lead.first_max : byte >> 6 == 2;
    if (!fits) return {kReplacement, i};
    code_point = code_point << 6 | (byte & 0x3F);
  }
  return {code_point, lead.following + 1};
}

std::uint32_t EncodeUtf8(char32_t code_point, char out[4]) {
  if (code_point < 0x80) {
    out[0] = static_cast<char>(code_point);
    return 1;
  }
  const std::uint32_t size = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
  for (std::uint32_t i = size - 1; i > 0; --i, code_point >>= 6) {
    out[i] = static_cast<char>(0x80 | (code_point & 0x3F));
  }
  // The mark of a lead byte is as many one bits as the character has bytes: C0, E0 or F0.
  out[0] = static_cast<char>((0xF00 >> size & 0xFF) | code_point);
  return size;
}

}  // namespace ctt::text
