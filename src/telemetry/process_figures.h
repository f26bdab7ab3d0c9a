#pragma once
// What the operating system says of this process, read from /proc when asked. A figure that cannot
// be read (another system, a hardened /proc) is zero. Threads: safe from any thread.
#include <cstdint>

namespace ctt::telemetry {

struct ProcessFigures {
  double cpu_seconds = 0;         // User and system.
  double start_time_seconds = 0;  // Unix time.
  std::int64_t resident_bytes = 0;
  std::int64_t virtual_bytes = 0;
  std::int64_t open_fds = 0;
  std::int64_t max_fds = 0;
  std::int64_t threads = 0;
};

ProcessFigures ReadProcessFigures();

}  // namespace ctt::telemetry
