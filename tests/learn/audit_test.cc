#include "learn/audit.h"

#include <cmath>

#include <gtest/gtest.h>

#include "learn/left_out.h"
#include "learn/neighbours.h"
#include "learn/row_order.h"
#include "learn/suggest.h"
#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 12;

std::span<const std::int8_t> RowOf(const Rows& rows, std::int64_t i) {
  return {rows.phi.data() + i * kDim, static_cast<std::size_t>(kDim)};
}

Audit AuditOrDie(const Rows& rows, const AuditOptions& options = {}) {
  const Statistics statistics = StatisticsOf(rows, kDim);
  Settings settings = StartingSettings(statistics);
  Result<Audit> audit = AuditTask(statistics, rows, settings, options);
  EXPECT_TRUE(audit.ok()) << audit.status().ToString();
  return std::move(audit).value();
}

// Leaving a row out, solving and asking gives the probabilities of LeftOut, but for the ridge,
// which LeftOut holds at the whole set's scale.
TEST(AuditTest, LeftOutIsWhatAHeadWithoutTheRowSays) {
  const Rows rows = RandomRows(60, kDim, 3, 5, 60);
  const Statistics statistics = StatisticsOf(rows, kDim);
  Settings settings;
  settings.lambda = 1e-4;  // tau moves by a row's share of it: nothing, at this ridge.
  settings.temperature = 0.2;
  const RowOrder order = OrderRows(statistics, rows).value();
  const LeftOut judged(ScatterOf(statistics, order.classes, Block::kBoth), order.rows,
                       BlockColumns(Block::kBoth, kDim), settings);
  ASSERT_EQ(judged.size(), 60u);
  for (const std::size_t i : {0u, 17u, 59u}) {
    const std::int64_t row = (judged.row(i).phi - rows.phi.data()) / kDim;
    Statistics without = statistics;
    const std::vector<std::string> label = {rows.labels[rows.label_index[row]]};
    ASSERT_TRUE(without.Remove(RowOf(rows, row), label).ok());
    Settings same_beta = settings;
    same_beta.temperature = settings.temperature * 60 / 59;
    const Head head = Solve(without, same_beta).value();
    for (const LabelProbability& answer : head.Predict(RowOf(rows, row)).ranked) {
      for (std::size_t c = 0; c < order.classes.size(); ++c) {
        if (order.classes[c].label != head.labels()[answer.label]) continue;
        // The prior of the head without the row differs by one row of sixty.
        EXPECT_NEAR(judged.Probabilities(i)[c], answer.probability, 0.02);
      }
    }
  }
}

TEST(AuditTest, AWrongLabelIsTheFirstSuspect) {
  Rows rows = RandomRows(90, kDim, 3, 8, 20);
  rows.label_index[31] = (rows.label_index[31] + 1) % 3;
  const Audit audit = AuditOrDie(rows);
  ASSERT_EQ(audit.suspects.size(), 1u);
  EXPECT_EQ(audit.suspects[0].row, 31);
  EXPECT_EQ(audit.suspects[0].suggested, rows.labels[31 % 3]);
  EXPECT_LT(audit.suspects[0].probability, 0.5);
  EXPECT_GT(audit.suspects[0].suggested_probability, 0.5);
  EXPECT_NEAR(audit.suspects[0].log_loss, -std::log(audit.suspects[0].probability), 1e-12);
  EXPECT_NEAR(audit.accuracy, 89.0 / 90, 1e-12);
  EXPECT_EQ(audit.judged, 90);
}

TEST(AuditTest, EqualRowsAreDuplicatesOrConflicts) {
  Rows rows = RandomRows(40, kDim, 2, 3, 30);
  const auto copy = [&](std::int64_t from, std::int32_t label) {
    const std::vector<std::int8_t> phi(RowOf(rows, from).begin(), RowOf(rows, from).end());
    rows.phi.insert(rows.phi.end(), phi.begin(), phi.end());
    rows.label_index.push_back(label);
  };
  copy(4, 0);
  copy(4, 0);
  copy(6, 0);
  copy(8, 1);
  AuditOptions options;
  options.conflict_distance = 0;
  const Audit audit = AuditOrDie(rows, options);
  EXPECT_EQ(audit.duplicate_rows, 3);
  ASSERT_EQ(audit.duplicates.size(), 2u);
  EXPECT_EQ(audit.duplicates[0], (std::vector<std::int64_t>{4, 40, 41}));
  EXPECT_EQ(audit.duplicates[1], (std::vector<std::int64_t>{6, 42}));
  ASSERT_EQ(audit.conflicts.size(), 1u);
  EXPECT_EQ(std::min(audit.conflicts[0].first, audit.conflicts[0].second), 8);
  EXPECT_EQ(std::max(audit.conflicts[0].first, audit.conflicts[0].second), 43);
  EXPECT_EQ(audit.conflicts[0].distance, 0);
}

// Against all pairs by the definition; more rows than one block of the Gram kernel.
TEST(AuditTest, ClosestConflictsAreThoseOfAllPairs) {
  const Rows rows = RandomRows(1300, kDim, 3, 21, 60);
  std::vector<Row> list;
  for (std::int64_t i = 0; i < rows.size(); ++i)
    list.push_back({rows.phi.data() + i * kDim, rows.label_index[i], 0});
  const std::vector<RowPair> found = ClosestConflicts(list, kDim, 0.6, 40);
  std::vector<double> expected;
  for (std::int64_t i = 0; i < rows.size(); ++i)
    for (std::int64_t j = i + 1; j < rows.size(); ++j)
      if (rows.label_index[i] != rows.label_index[j])
        expected.push_back(Distance(RowOf(rows, i), RowOf(rows, j)));
  std::sort(expected.begin(), expected.end());
  ASSERT_EQ(found.size(), 40u);
  for (std::size_t k = 0; k < found.size(); ++k) {
    EXPECT_EQ(found[k].distance, expected[k]);
    EXPECT_EQ(found[k].distance, Distance(RowOf(rows, static_cast<std::int64_t>(found[k].first)),
                                          RowOf(rows, static_cast<std::int64_t>(found[k].second))));
    EXPECT_NE(rows.label_index[found[k].first], rows.label_index[found[k].second]);
  }
  EXPECT_TRUE(ClosestConflicts(list, kDim, 0, 40).empty());
}

TEST(AuditTest, DistanceOfEqualOppositeAndUnrelatedRows) {
  const std::vector<std::int8_t> x = {3, 4}, across = {-4, 3}, against = {-3, -4}, zero = {0, 0};
  EXPECT_EQ(Distance(x, x), 0);
  EXPECT_DOUBLE_EQ(Distance(x, across), std::sqrt(2.0));
  EXPECT_EQ(Distance(x, against), 2);
  EXPECT_EQ(Distance(zero, zero), 0);
}

// Two labels over the same centre are one label in truth.
TEST(AuditTest, MergingTheSameLabelUnderTwoNamesGainsWhatWasConfused) {
  Rows rows = RandomRows(120, kDim, 3, 17, 20);
  rows.labels.push_back("label 2 too");
  for (std::size_t i = 0; i < rows.label_index.size(); ++i)
    if (rows.label_index[i] == 2 && i % 2 == 0) rows.label_index[i] = 3;
  const Audit audit = AuditOrDie(rows);
  ASSERT_FALSE(audit.confused.empty());
  EXPECT_EQ(audit.confused[0].first, "label 2");
  EXPECT_EQ(audit.confused[0].second, "label 2 too");
  const std::int64_t taken = audit.confused[0].first_as_second + audit.confused[0].second_as_first;
  EXPECT_GT(taken, 5);
  EXPECT_NEAR(audit.confused[0].merge_gain, static_cast<double>(taken) / 120, 1e-12);
}

TEST(AuditTest, IsPureInTheSetOfRows) {
  const Rows rows = RandomRows(150, kDim, 3, 5, 80);
  const Audit one = AuditOrDie(rows), other = AuditOrDie(Shuffled(rows, kDim, 4));
  EXPECT_EQ(one.log_loss, other.log_loss);
  ASSERT_EQ(one.curve.size(), other.curve.size());
  for (std::size_t i = 0; i < one.curve.size(); ++i)
    EXPECT_EQ(one.curve[i].accuracy, other.curve[i].accuracy);
  ASSERT_EQ(one.suspects.size(), other.suspects.size());
  for (std::size_t i = 0; i < one.suspects.size(); ++i)
    EXPECT_EQ(one.suspects[i].log_loss, other.suspects[i].log_loss);
}

TEST(AuditTest, OneLabelHasNothingToJudge) {
  const Audit audit = AuditOrDie(RandomRows(10, kDim, 1, 5));
  EXPECT_EQ(audit.examples, 10);
  EXPECT_EQ(audit.judged, 0);
  EXPECT_TRUE(audit.suspects.empty() && audit.curve.empty() && audit.forecast.empty());
}

TEST(LearningCurveTest, CountsDoubleAndALoneRowIsWrong) {
  const Rows rows = RandomRows(400, kDim, 3, 5, 60);
  const Audit audit = AuditOrDie(rows);
  ASSERT_EQ(audit.curve.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(audit.curve[i].examples, 400 >> (4 - i));
  EXPECT_EQ(audit.curve.back().accuracy, audit.accuracy);
  // 20 labels of two rows each and more: the smaller the part, the more rows are alone in theirs.
  const Audit lonely = AuditOrDie(RandomRows(64, kDim, 20, 5, 1));
  EXPECT_LT(lonely.curve[0].accuracy, 0.8);
  EXPECT_EQ(lonely.curve.back().accuracy, 1);
}

// Points that lie on a + b n^-1/2: the forecast goes on along it.
TEST(LearningCurveTest, TheForecastFollowsAPowerLaw) {
  std::vector<CurvePoint> points;
  for (const std::int64_t n : {100, 200, 400, 800})
    points.push_back({n, 1 - (0.05 + 2 / std::sqrt(static_cast<double>(n)))});
  const std::vector<CurvePoint> ahead = Forecast(points);
  ASSERT_EQ(ahead.size(), 2u);
  EXPECT_EQ(ahead[0].examples, 1600);
  EXPECT_NEAR(ahead[0].accuracy, 1 - (0.05 + 2 / std::sqrt(1600.0)), 1e-9);
  EXPECT_NEAR(ahead[1].accuracy, 1 - (0.05 + 2 / std::sqrt(3200.0)), 1e-9);
  EXPECT_TRUE(Forecast({{100, 0.5}, {200, 0.6}}).empty());
  for (const CurvePoint& point : Forecast({{100, 0.9}, {200, 0.8}, {400, 0.7}}))
    EXPECT_NEAR(point.accuracy, 0.757143, 1e-5);  // Never down: the mean, weighted by n.
}

TEST(SuggestTest, UncertainAndUnlikeThoseBefore) {
  // Rows 0, 1 and 4 lie near each other, 2 across, 3 across too but certain.
  const std::vector<std::int8_t> phi = {100, 0, 100, 2, 0, 100, 0, 90, 100, 0};
  const std::vector<double> uncertainty = {0.9, 0.8, 0.5, 0.0, 0.7};
  const std::vector<std::size_t> two = SuggestRows(phi, 2, uncertainty, 2);
  EXPECT_EQ(two, (std::vector<std::size_t>{0, 2}));
  // 4 repeats 0, 3 is certain: neither is ever chosen.
  const std::vector<std::size_t> all = SuggestRows(phi, 2, uncertainty, 5);
  EXPECT_EQ(all, (std::vector<std::size_t>{0, 2, 1}));
}

TEST(NeighboursTest, NearestWithinTheColumnsAsked) {
  const std::vector<std::int8_t> phi = {1, 0, 90, 0, 0, 90, 1, 0, 50, 50, 90, 0};  // Three of 4.
  const std::vector<std::int8_t> query = {1, 0, 90, 0};
  const auto first = NearestRows(query, phi, {0, 2}, 2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].row, 0);
  EXPECT_EQ(first[0].distance, 0);
  const auto second = NearestRows(query, phi, {2, 2}, 9);
  ASSERT_EQ(second.size(), 3u);
  EXPECT_EQ(second[0].row, 0);
  EXPECT_EQ(second[1].row, 2);  // Tied at 0: by index.
  EXPECT_EQ(second[2].row, 1);
}

}  // namespace
}  // namespace ctt::learn
