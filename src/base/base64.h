#pragma once
// Base64 (RFC 4648 section 4, padded, no line ends). Threads: pure functions.
#include <string>
#include <string_view>

#include "base/status.h"

namespace ctt {

std::string ToBase64(std::string_view bytes);
// kInvalidArgument: ToBase64 would not have written this.
Result<std::string> FromBase64(std::string_view text);

}  // namespace ctt
