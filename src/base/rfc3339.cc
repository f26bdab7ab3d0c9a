#include "base/rfc3339.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace ctt {

std::string Rfc3339(std::int64_t unix_us) {
  using std::chrono::days;
  using std::chrono::microseconds;
  constexpr std::int64_t kYear0 = -62'167'219'200'000'000;
  constexpr std::int64_t kYear10000 = 253'402'300'800'000'000;
  const std::chrono::sys_time<microseconds> instant{
      microseconds(std::clamp(unix_us, kYear0, kYear10000 - 1))};
  const auto day = std::chrono::floor<days>(instant);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(instant - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

}  // namespace ctt
