#pragma once
// Instants for people and programs: RFC 3339 in UTC. Threads: pure functions.
#include <cstdint>
#include <string>

namespace ctt {

// "2026-03-01T09:30:00.123456Z". Years 0 to 9999; an instant outside is shown at the nearer end.
std::string Rfc3339(std::int64_t unix_us);

}  // namespace ctt
