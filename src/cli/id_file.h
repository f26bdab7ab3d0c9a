#pragma once
// Files that name examples: one id, or one object with "id", a line; "-" is standard input.
// Threads: values.
#include <string>
#include <vector>

#include "base/status.h"

namespace ctt::cli {

// kNotFound: it cannot be opened. Errors of a line name it.
Result<std::vector<std::string>> ReadIds(const std::string& path);

}  // namespace ctt::cli
