#pragma once
// Instants for people and programs: RFC 3339 in UTC. Threads: pure functions.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace ctt {

// "2026-03-01T09:30:00.123456Z". Years 0 to 9999; an instant outside is shown at the nearer end.
std::string Rfc3339(std::int64_t unix_us);

// Unix time in microseconds of an instant in UTC, as above, with any number of decimals up to six
// or none. kInvalidArgument ("bad_time").
Result<std::int64_t> ParseRfc3339(std::string_view text);

}  // namespace ctt
