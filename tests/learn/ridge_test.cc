#include "learn/ridge.h"

#include <gtest/gtest.h>

#include "learn/rates.h"
#include "learn/shared_scatter.h"
#include "tests/learn/dense.h"
#include "tests/learn/kind_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 6;
constexpr double kLambda = 0.3;

// The answer to `x` of a ridge with a free mean, fitted to all rows but `without`, with the ridge
// of all of them.
double PlainAnswer(const Rows& rows, const Vector& x, std::size_t without) {
  std::vector<Vector> all, kept;
  Vector numbers;
  for (std::size_t i = 0; i < rows.units.size(); ++i) {
    all.push_back(RowOf(rows.phi, i, kDim));
    if (i == without) continue;
    kept.push_back(all.back());
    numbers.push_back(UnitsToNumber(static_cast<double>(rows.units[i])));
  }
  Matrix total(kDim), m(kDim);
  AddScatter(all, total);
  AddScatter(kept, m);
  AddRidge(kLambda * Trace(total) / kDim, m);
  const Vector mean = MeanOf(kept);
  double mean_number = 0;
  for (const double number : numbers) mean_number += number / static_cast<double>(numbers.size());
  Vector cross(kDim);
  for (std::size_t i = 0; i < kept.size(); ++i)
    for (std::size_t j = 0; j < kDim; ++j)
      cross[j] += (kept[i][j] - mean[j]) * (numbers[i] - mean_number);
  return mean_number + Dot(SolveDense(m, cross), Less(x, mean));
}

Settings SettingsAt(const Statistics& statistics) {
  Settings settings = StartingSettings(statistics);
  settings.lambda = kLambda;
  return settings;
}

TEST(RidgeTest, AnswersAsThePlainRidgeDoes) {
  const Rows rows = NumberRows(50, kDim, 1);
  const Statistics statistics = KindStatistics(rows, kDim);
  const auto head = Solve(statistics, SettingsAt(statistics));
  ASSERT_TRUE(head.ok()) << head.status().ToString();
  for (std::size_t row = 0; row < 10; ++row)
    EXPECT_NEAR(head->Predict({rows.phi.data() + row * kDim, kDim}).number,
                PlainAnswer(rows, RowOf(rows.phi, row, kDim), 1000), 1e-5);
}

TEST(RidgeTest, LeavingARowOutEqualsRefitting) {
  const Rows rows = NumberRows(40, kDim, 2);
  const Statistics statistics = KindStatistics(rows, kDim);
  const Scatter scatter = SharedScatterOf(statistics, Block::kBoth);
  std::vector<const std::int8_t*> phi;
  std::vector<double> numbers;
  for (std::size_t i = 0; i < 40; ++i) {
    phi.push_back(rows.phi.data() + i * kDim);
    numbers.push_back(static_cast<double>(rows.units[i]) - MeanUnits(statistics));
  }
  const std::optional<Products> products = RotatedRows(scatter, phi).At(kLambda);
  ASSERT_TRUE(products.has_value());
  Vector left_out = LeftOutErrors(*products, numbers, scatter.example_count);
  for (double& error : left_out) error = std::fabs(error);
  Vector plain;
  for (std::size_t i = 0; i < 40; ++i)
    plain.push_back(std::fabs(UnitsToNumber(static_cast<double>(rows.units[i])) -
                              PlainAnswer(rows, RowOf(rows.phi, i, kDim), i)));
  std::sort(plain.begin(), plain.end());
  std::sort(left_out.begin(), left_out.end());
  ASSERT_EQ(left_out.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i)
    EXPECT_NEAR(UnitsToNumber(left_out[i]), plain[i], 1e-9);
}

// Texts come seven times with other numbers.
Rows WithRepeats(Rows rows) {
  for (std::size_t copy = 1; copy <= 6; ++copy) {
    for (std::size_t i = 0; i < 10; ++i) {
      for (std::int32_t j = 0; j < kDim; ++j) rows.phi.push_back(rows.phi[i * kDim + j]);
      rows.units.push_back(rows.units[i] + static_cast<std::int64_t>(copy * (i + 1) * 123'457));
    }
  }
  return rows;
}

TEST(RidgeTest, WhatSettlingFindsFollowsFromTheSetOfExamplesAlone) {
  // Among few rows the repeats decide the last bits of a sum.
  for (const std::int64_t count : {120, 20}) {
    const Rows rows = WithRepeats(NumberRows(count, kDim, 3));
    const Settled settled = SettledOf(rows, kDim);
    for (std::uint32_t seed = 1; seed <= 5; ++seed) {
      const Settled other = SettledOf(Picked(rows, kDim, Mixed(rows.units.size(), seed)), kDim, 3);
      EXPECT_EQ(other.head.ContentDigest(), settled.head.ContentDigest());
      EXPECT_EQ(other.report.numbers->rmse, settled.report.numbers->rmse);
      EXPECT_EQ(other.report.numbers->mae, settled.report.numbers->mae);
    }
  }
}

TEST(RidgeTest, TheUnitOfTheNumbersChangesNothingElse) {
  Rows rows = NumberRows(120, kDim, 4);
  const Settled one = SettledOf(rows, kDim);
  for (std::int64_t& units : rows.units) units *= 1000;
  const Settled thousand = SettledOf(rows, kDim);
  EXPECT_EQ(one.head.settings().lambda, thousand.head.settings().lambda);
  EXPECT_EQ(one.head.settings().block, thousand.head.settings().block);
  EXPECT_NEAR(thousand.report.numbers->r2, one.report.numbers->r2, 1e-9);
  const std::span<const std::int8_t> phi(rows.phi.data(), kDim);
  EXPECT_NEAR(thousand.head.Predict(phi).number, 1000 * one.head.Predict(phi).number, 1e-2);
}

TEST(RidgeTest, IntervalsHoldTheShareAskedFor) {
  const Rows rows = NumberRows(600, kDim, 5);
  std::vector<std::size_t> first(300);
  for (std::size_t i = 0; i < 300; ++i) first[i] = i;
  const Rows learned = Picked(rows, kDim, first);
  const Settled settled = SettledOf(learned, kDim);
  const Rates& rates = settled.rates;
  for (const double error_rate : {0.05, 0.1, 0.3}) {
    const auto half = rates.IntervalHalf(error_rate);
    ASSERT_TRUE(half.has_value());
    int held = 0;
    for (std::size_t i = 300; i < 600; ++i) {
      const double answer = settled.head.Predict({rows.phi.data() + i * kDim, kDim}).number;
      held += std::fabs(answer - UnitsToNumber(static_cast<double>(rows.units[i]))) <= *half;
    }
    EXPECT_NEAR(held / 300.0, 1 - error_rate, 0.06);
  }
  EXPECT_FALSE(rates.IntervalHalf(0.001).has_value());  // 300 rows cannot tell.
}

TEST(RidgeTest, ScopeRejectsWhatLiesFarOut) {
  const Rows rows = NumberRows(300, kDim, 6);
  const Settled settled = SettledOf(rows, kDim);
  int rejected = 0;
  for (std::size_t i = 0; i < 300; ++i)
    rejected += !settled.head.Predict({rows.phi.data() + i * kDim, kDim}).in_scope;
  EXPECT_NEAR(rejected, 15, 6);
  const std::vector<std::int8_t> far(kDim, 120);
  const Prediction prediction = settled.head.Predict(far);
  EXPECT_FALSE(prediction.in_scope);
  EXPECT_LT(prediction.margin, settled.head.Predict({rows.phi.data(), kDim}).margin);
}

TEST(RidgeTest, HeadsComeBackFromTheirBytes) {
  const Settled settled = SettledOf(NumberRows(120, kDim, 7), kDim);
  const auto parsed = Head::Parse(settled.head.Serialize());
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->ContentDigest(), settled.head.ContentDigest());
}

TEST(RidgeTest, FewOrEqualNumbersAreAnsweredByTheirMean) {
  Rows rows = NumberRows(5, kDim, 8);
  rows.units.assign(5, NumberToUnits(-2.5));
  EXPECT_NEAR(SettledOf(rows, kDim).head.Predict({rows.phi.data(), kDim}).number, -2.5, 1e-9);
  const Rows one = Picked(rows, kDim, {0});
  const Settled settled = SettledOf(one, kDim);
  EXPECT_NEAR(settled.head.Predict({rows.phi.data() + kDim, kDim}).number, -2.5, 1e-9);
  EXPECT_FALSE(settled.report.numbers.has_value());
}

}  // namespace
}  // namespace ctt::learn
