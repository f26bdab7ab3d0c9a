#include "base/rfc3339.h"

#include <gtest/gtest.h>

namespace ctt {
namespace {

TEST(Rfc3339Test, WhatIsPrintedIsReadBack) {
  for (const std::int64_t time_us :
       {0LL, 1LL, -1LL, 1'772'357'400'123'456LL, -62'135'596'800'000'000LL})
    EXPECT_EQ(*ParseRfc3339(Rfc3339(time_us)), time_us) << Rfc3339(time_us);
}

TEST(Rfc3339Test, DecimalsMayBeFewerOrNone) {
  EXPECT_EQ(*ParseRfc3339("1970-01-01T00:00:01Z"), 1'000'000);
  EXPECT_EQ(*ParseRfc3339("1970-01-01T00:00:00.5Z"), 500'000);
  EXPECT_EQ(*ParseRfc3339("2024-02-29T00:00:00Z") - *ParseRfc3339("2024-02-28T00:00:00Z"),
            86'400'000'000);
}

TEST(Rfc3339Test, WhatIsNoTimeIsNamed) {
  for (const char* bad : {"", "Z", "2026-03-01", "2026-03-01T09:30:00", "2026-03-01 09:30:00Z",
                          "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-01T24:00:00Z",
                          "2026-03-01T09:60:00Z", "2026-03-01T09:30:0xZ", "2026-03-01T09:30:00.Z",
                          "2026-03-01T09:30:00.1234567Z", "2026-03-01T09:30:00,5Z",
                          "2026-03-01T09:30:00+01:00", "-026-03-01T09:30:00Z"})
    EXPECT_EQ(ParseRfc3339(bad).status().reason(), "bad_time") << bad;
}

}  // namespace
}  // namespace ctt
