#include "learn/held_out.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 6;

// Rows borrow their features from `rows`, which must live on.
RowOrder OrderOf(const Rows& rows, const Statistics& statistics) {
  Result<RowOrder> order = OrderRows(statistics, rows);
  EXPECT_TRUE(order.ok()) << order.status().ToString();
  return std::move(order).value();
}

TEST(HeldOutTest, FoldsHoldOutEachAnswerableRowOnce) {
  Rows rows = RandomRows(100, kDim, 4, 81);
  rows.labels.push_back("alone");  // Held out, nothing would be left to fit it from.
  rows.label_index[0] = 4;
  const Statistics statistics = StatisticsOf(rows, kDim);
  const RowOrder order = OrderOf(rows, statistics);
  const std::vector<Split> splits = SplitsOf(order.rows, 5);
  EXPECT_EQ(splits.size(), 5u);
  std::map<const std::int8_t*, int> held_out;
  for (const Split& split : splits) {
    EXPECT_GE(split.fitted.size() + split.held_out.size(), 99u);
    for (const Row& row : split.held_out) ++held_out[row.phi];
  }
  EXPECT_EQ(held_out.size(), 99u);
  EXPECT_FALSE(held_out.contains(rows.phi.data()));
  for (const auto& [phi, times] : held_out) EXPECT_EQ(times, 1);
}

TEST(HeldOutTest, EqualFeaturesFallToOneSide) {
  Rows rows = RandomRows(60, kDim, 3, 82);
  const Rows copy = rows;
  rows.phi.insert(rows.phi.end(), copy.phi.begin(), copy.phi.end());
  rows.label_index.insert(rows.label_index.end(), copy.label_index.begin(), copy.label_index.end());
  const Statistics statistics = StatisticsOf(rows, kDim);
  const RowOrder order = OrderOf(rows, statistics);
  for (const Split& split : SplitsOf(order.rows, 3)) {
    std::set<std::vector<std::int8_t>> fitted;
    for (const Row& row : split.fitted) fitted.insert({row.phi, row.phi + kDim});
    for (const Row& row : split.held_out) EXPECT_FALSE(fitted.contains({row.phi, row.phi + kDim}));
  }
}

TEST(HeldOutTest, LargeTasksHoldOutOneBoundedPart) {
  const Rows rows = RandomRows(3500, kDim, 2, 83);
  const Statistics statistics = StatisticsOf(rows, kDim);
  const std::vector<Split> splits = SplitsOf(OrderOf(rows, statistics).rows, 2);
  ASSERT_EQ(splits.size(), 1u);
  EXPECT_EQ(splits[0].held_out.size(), 700u);
  EXPECT_EQ(splits[0].fitted.size(), 2800u);
  std::set<const std::int8_t*> rest;
  for (const Row& row : splits[0].fitted) rest.insert(row.phi);
  for (const Row& row : splits[0].held_out) EXPECT_FALSE(rest.contains(row.phi));
}

TEST(RowOrderTest, TheSampleIsTheLeastHashedInContentOrder) {
  const Rows rows = RandomRows(200, kDim, 2, 84);
  const Statistics statistics = StatisticsOf(rows, kDim);
  const RowOrder order = OrderOf(rows, statistics);
  const std::vector<Row> sample = LeastHashed(order.rows, 50);
  ASSERT_EQ(sample.size(), 50u);
  std::uint64_t largest = 0;
  for (const Row& row : sample) largest = std::max(largest, row.hash);
  std::size_t below = 0, next = 0;
  for (const Row& row : order.rows) {
    below += row.hash <= largest ? 1 : 0;
    if (next < sample.size() && row.phi == sample[next].phi) ++next;
  }
  EXPECT_EQ(below, 50u);
  EXPECT_EQ(next, 50u);  // A subsequence of the order.
  EXPECT_EQ(LeastHashed(order.rows, 200).size(), 200u);
}

}  // namespace
}  // namespace ctt::learn
