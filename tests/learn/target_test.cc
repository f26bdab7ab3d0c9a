#include "learn/target.h"

#include <gtest/gtest.h>

#include "learn/statistics.h"
#include "tests/learn/kind_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 5;

TEST(TargetTest, NumbersWithNineDecimalsComeBack) {
  for (const double number : {0.0, 0.1, -0.000000001, 3.141592653, -1e9, 1e9, 123456.789})
    EXPECT_EQ(UnitsToNumber(static_cast<double>(NumberToUnits(number))), number);
  EXPECT_EQ(NumberToUnits(0.1), 100'000'000);
  EXPECT_EQ(NumberToUnits(-1e9), -1'000'000'000'000'000'000);
}

// Both kinds, by the same laws.
class KindStatisticsTest : public testing::TestWithParam<bool> {
 protected:
  Rows Some(std::uint32_t seed) const {
    return GetParam() ? MultiRows(30, kDim, 4, seed) : NumberRows(30, kDim, seed);
  }
};

TEST_P(KindStatisticsTest, UnlearnedEqualsNeverLearned) {
  const Rows kept = Some(1), detour = Some(2);
  Statistics statistics = KindStatistics(kept, kDim);
  const std::string before = statistics.Serialize();
  ASSERT_TRUE(statistics.Add(detour.phi, TargetsOf(detour)).ok());
  EXPECT_NE(statistics.Serialize(), before);
  ASSERT_TRUE(statistics.Remove(detour.phi, TargetsOf(detour)).ok());
  EXPECT_EQ(statistics.Serialize(), before);
}

TEST_P(KindStatisticsTest, MergingEqualsLearningAll) {
  const Rows left = Some(3), right = Some(4);
  Statistics merged = KindStatistics(left, kDim), learned = merged;
  ASSERT_TRUE(merged.Merge(KindStatistics(right, kDim)).ok());
  ASSERT_TRUE(learned.Add(right.phi, TargetsOf(right)).ok());
  EXPECT_EQ(merged, learned);
  Statistics twice = merged;
  ASSERT_TRUE(twice.Merge(twice).ok());
  ASSERT_TRUE(learned.Merge(merged).ok());
  EXPECT_EQ(twice, learned);
}

TEST_P(KindStatisticsTest, ComeBackFromTheirBytes) {
  const Statistics statistics = KindStatistics(Some(5), kDim);
  const auto parsed = Statistics::Parse(statistics.Serialize());
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(*parsed, statistics);
  const Statistics empty(kDim, statistics.kind());
  EXPECT_EQ(*Statistics::Parse(empty.Serialize()), empty);
}

TEST_P(KindStatisticsTest, AsOneClassHoldsAllRows) {
  const Rows rows = Some(6);
  Statistics plain(kDim);
  const std::vector<std::string> names(30, "task");
  ASSERT_TRUE(plain.Add(rows.phi, names).ok());
  EXPECT_EQ(KindStatistics(rows, kDim).AsOneClass("task"), plain);
}

TEST_P(KindStatisticsTest, RefusesWhatIsNotThere) {
  const Rows rows = Some(7), more = Some(8);
  Statistics statistics = KindStatistics(rows, kDim);
  const Statistics before = statistics;
  Rows twice = rows;
  twice.phi.insert(twice.phi.end(), more.phi.begin(), more.phi.end());
  std::vector<Target> targets = TargetsOf(rows);
  for (const Target& target : TargetsOf(more)) targets.push_back(target);
  EXPECT_EQ(statistics.Remove(twice.phi, targets).code(), Code::kFailedPrecondition);
  EXPECT_EQ(statistics.Merge(Statistics(kDim)).code(), Code::kInvalidArgument);
  EXPECT_EQ(statistics, before);
}

INSTANTIATE_TEST_SUITE_P(Kinds, KindStatisticsTest, testing::Bool());

TEST(MultiStatisticsTest, SumsAreThoseOfThePlainLoops) {
  const Rows rows = MultiRows(30, kDim, 4, 9);
  const Statistics statistics = KindStatistics(rows, kDim);
  EXPECT_EQ(statistics.example_count(), 30);
  std::vector<std::int64_t> total(kDim);
  for (std::size_t i = 0; i < 30; ++i)
    for (std::int32_t j = 0; j < kDim; ++j) total[j] += rows.phi[i * kDim + j];
  EXPECT_EQ(statistics.total().sum, total);
  for (std::int32_t label = 0; label < 4; ++label) {
    Statistics::Class held;
    held.sum.resize(kDim);
    for (std::size_t i = 0; i < 30; ++i) {
      const auto& set = rows.label_sets[i];
      if (std::find(set.begin(), set.end(), label) == set.end()) continue;
      ++held.count;
      for (std::int32_t j = 0; j < kDim; ++j) held.sum[j] += rows.phi[i * kDim + j];
    }
    EXPECT_EQ(statistics.classes().find(rows.labels[label])->second, held);
  }
}

TEST(MultiStatisticsTest, MergingLabelsEqualsLearningTheUnion) {
  Rows rows = MultiRows(40, kDim, 3, 10);
  Statistics merged = KindStatistics(rows, kDim);
  std::vector<std::int8_t> both;
  for (std::size_t i = 0; i < 40; ++i) {
    auto& set = rows.label_sets[i];
    const bool from = std::find(set.begin(), set.end(), 0) != set.end();
    const bool to = std::find(set.begin(), set.end(), 1) != set.end();
    if (from && to)
      both.insert(both.end(), rows.phi.begin() + static_cast<std::ptrdiff_t>(i) * kDim,
                  rows.phi.begin() + static_cast<std::ptrdiff_t>(i + 1) * kDim);
    if (!from) continue;
    std::erase(set, 0);
    if (!to) set.insert(set.begin(), 1);
  }
  ASSERT_FALSE(both.empty());
  ASSERT_TRUE(merged.TakeFromLabel(both, "label 0").ok());
  ASSERT_TRUE(merged.MergeLabel("label 0", "label 1").ok());
  EXPECT_EQ(merged, KindStatistics(rows, kDim));
}

TEST(MultiStatisticsTest, RefusesLabelsOutOfOrder) {
  Statistics statistics(2, TaskKind::kMulti);
  const std::vector<std::int8_t> phi = {1, 2};
  const std::vector<Target> twice = {{{"a", "a"}, 0}}, empty = {{{""}, 0}};
  EXPECT_EQ(statistics.Add(phi, twice).code(), Code::kInvalidArgument);
  EXPECT_EQ(statistics.Add(phi, empty).code(), Code::kInvalidArgument);
  const std::vector<Target> none = {{}};
  EXPECT_TRUE(statistics.Add(phi, none).ok());
  EXPECT_EQ(Statistics(2).Add(phi, none).code(), Code::kInvalidArgument);
}

TEST(RegressionStatisticsTest, SumsPastSixtyFourBitsAreExact) {
  Statistics statistics(2, TaskKind::kRegression);
  const std::vector<std::int8_t> phi = {127, -127};
  const std::vector<Target> large = {{{}, NumberToUnits(1e9)}};
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(statistics.Add(phi, large).ok());
  EXPECT_TRUE(statistics.number_sums()[0] == Int128{200} * 127 * Int128{1'000'000'000'000'000'000});
  EXPECT_EQ(*Statistics::Parse(statistics.Serialize()), statistics);
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(statistics.Remove(phi, large).ok());
  EXPECT_EQ(statistics, Statistics(2, TaskKind::kRegression));
}

}  // namespace
}  // namespace ctt::learn
