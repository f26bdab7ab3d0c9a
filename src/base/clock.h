#pragma once
// Time, handed in by constructor so that tests and simulations own it.
#include <cstdint>

namespace ctt {

// Threads: every call is safe from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::int64_t UnixMicros() const = 0;    // Wall clock; may jump. For people and records.
  virtual std::int64_t SteadyMicros() const = 0;  // Never goes back. For deadlines and durations.
};

class SystemClock final : public Clock {
 public:
  std::int64_t UnixMicros() const override;
  std::int64_t SteadyMicros() const override;
};

}  // namespace ctt
