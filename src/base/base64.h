#pragma once
// Base64 (RFC 4648 section 4, padded, no line ends). Threads: pure functions.
#include <string>
#include <string_view>

namespace ctt {

std::string ToBase64(std::string_view bytes);

}  // namespace ctt
