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

Result<std::int64_t> ParseRfc3339(std::string_view text) {
  const auto bad = [&] {
    return Status(Code::kInvalidArgument, "bad_time",
                  "'" + std::string(text.substr(0, 40)) +
                      "' is no time in UTC, such as 2026-03-01T09:30:00Z");
  };
  // Digits of the whole `text` from `at`, or -1.
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = 0;
    for (std::size_t i = at; i < at + length; ++i) {
      if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
      value = value * 10 + (text[i] - '0');
    }
    return value;
  };
  constexpr std::string_view kShape = "0000-00-00T00:00:00";
  if (text.size() <= kShape.size() || !text.ends_with('Z')) return bad();
  for (const std::size_t at : {4, 7, 10, 13, 16})
    if (text[at] != kShape[at]) return bad();
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (std::min({year, month, day, hour, minute, second}) < 0 || hour > 23 || minute > 59 ||
      second > 59)
    return bad();
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return bad();
  std::int64_t micros = 0;
  const std::string_view rest = text.substr(kShape.size(), text.size() - kShape.size() - 1);
  if (!rest.empty()) {
    const int decimals = number(kShape.size() + 1, rest.size() - 1);
    if (rest[0] != '.' || rest.size() < 2 || rest.size() > 7 || decimals < 0) return bad();
    micros = decimals;
    for (std::size_t i = rest.size(); i < 7; ++i) micros *= 10;
  }
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1'000'000 + micros;
}

}  // namespace ctt
