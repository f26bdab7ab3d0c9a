#include "cli/course.h"

#include <gtest/gtest.h>

namespace ctt::cli {
namespace {

TEST(CourseTest, FiguresAreThoseOfLopezPazAndRanzato) {
  const Course course{{"a", "b", "c"}, {{0.9, 0.2, 0.1}, {0.8, 0.7, 0.3}, {0.6, 0.4, 0.4}}, {}, 0};
  EXPECT_DOUBLE_EQ(course.Acc(), (0.6 + 0.4 + 0.4) / 3);
  EXPECT_DOUBLE_EQ(course.Bwt(), ((0.6 - 0.9) + (0.4 - 0.7)) / 2);
  EXPECT_DOUBLE_EQ(course.Fwt(), (0.2 + 0.3) / 2);
}

TEST(CourseTest, ForgettingAndIntransigenceAreThoseOfChaudhry) {
  Course course{{"a", "b", "c"}, {{0.6, 0, 0}, {0.9, 0.8, 0}, {0.6, 0.4, 0.5}}, {}, 0};
  EXPECT_DOUBLE_EQ(course.Forgetting(), ((0.9 - 0.6) + (0.8 - 0.4)) / 2);
  EXPECT_DOUBLE_EQ(course.Retention(), (0.6 / 0.6 + 0.4 / 0.8) / 2);
  course.joint = {0.7, 0.8, 0.9};
  EXPECT_DOUBLE_EQ(course.Intransigence(), (0.1 + 0 + 0.4) / 3);
}

TEST(CourseTest, AccIsTheSameBitsInEveryOrder) {
  const std::vector<double> last = {0.1, 0.2, 0.3};
  const std::vector<double> back(last.rbegin(), last.rend());
  ASSERT_NE(last[0] + last[1] + last[2], back[0] + back[1] + back[2]);
  const std::vector<std::string> names(3, "t");
  EXPECT_EQ((Course{names, {last}, {}, 0}).Acc(), (Course{names, {back}, {}, 0}).Acc());
}

TEST(CourseTest, OneTaskHasNothingToTransfer) {
  const Course course{{"a"}, {{0.9}}, {}, 0};
  EXPECT_EQ(course.Acc(), 0.9);
  EXPECT_EQ(course.Bwt(), 0);
  EXPECT_EQ(course.Fwt(), 0);
  EXPECT_EQ(course.Forgetting(), 0);
  EXPECT_EQ(course.Retention(), 1);
}

}  // namespace
}  // namespace ctt::cli
