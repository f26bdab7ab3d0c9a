#include "learn/rates.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 12;

struct Case {
  Rows rows;
  Statistics statistics;
  Settled settled;
  const Rates& rates() const { return settled.rates; }
};

Case Make(Rows rows) {
  Statistics statistics = StatisticsOf(rows, kDim);
  Result<Settled> settled = Settle(statistics, rows, {}, nullptr);
  EXPECT_TRUE(settled.ok());
  return {std::move(rows), std::move(statistics), std::move(settled).value()};
}

// Features that tell labels apart, and words; or words alone.
Rows WordRows(bool words_alone) {
  Rows rows = RandomRows(words_alone ? 400 : 900, kDim, words_alone ? 4 : 6, 31, 80);
  AddWords(rows, 32);
  if (words_alone) rows.phi = RandomRows(400, kDim, 1, 34, 80).phi;
  return rows;
}

TEST(RatesTest, TheDefaultRatesGiveWhatSettleFound) {
  std::set<HeadKind> kinds;
  for (Rows rows : {RandomRows(400, kDim, 3, 7, 60), RandomRows(400, kDim, 12, 7, 60),
                    WordRows(false), WordRows(true)}) {
    const Case task = Make(std::move(rows));
    const Settings& settings = task.settled.head.settings();
    EXPECT_NEAR(task.rates().ScopeThreshold(0.05), settings.scope_threshold, 1e-11);
    EXPECT_NEAR(task.rates().SetQuantile(HeadKind::kLinearDiscriminant, 0.1), settings.set_quantile,
                1e-11);
    const bool fitted = settings.kind != HeadKind::kLinearDiscriminant;
    if (fitted) {
      EXPECT_NEAR(task.rates().SetQuantile(settings.kind, 0.1), settings.logistic_set_quantile,
                  1e-11);
    }
    EXPECT_EQ(task.rates().set_quantiles.size(), fitted ? 2u : 1u);
    kinds.insert(settings.kind);
  }
  EXPECT_TRUE(kinds.contains(HeadKind::kHybrid) && kinds.contains(HeadKind::kLexical));
}

TEST(RatesTest, SetsShrinkAndScopeNarrowsAsTheRateRises) {
  const Case task = Make(RandomRows(300, kDim, 4, 11, 70));
  double quantile = 1, threshold = -1e300;
  for (const double rate : RateGrid()) {
    EXPECT_LE(task.rates().SetQuantile(HeadKind::kLinearDiscriminant, rate), quantile);
    EXPECT_GE(task.rates().ScopeThreshold(rate), threshold);
    quantile = task.rates().SetQuantile(HeadKind::kLinearDiscriminant, rate);
    threshold = task.rates().ScopeThreshold(rate);
  }
  EXPECT_LT(quantile, task.rates().SetQuantile(HeadKind::kLinearDiscriminant, 0.001));
  EXPECT_GT(threshold, task.rates().ScopeThreshold(0.001));
}

TEST(RatesTest, ARateBetweenTwoTakesTheLowerOne) {
  const Case task = Make(RandomRows(300, kDim, 4, 11, 70));
  EXPECT_EQ(task.rates().ScopeThreshold(0.0199), task.rates().ScopeThreshold(0.01));
  EXPECT_EQ(task.rates().SetQuantile(HeadKind::kLinearDiscriminant, 0.0199),
            task.rates().SetQuantile(HeadKind::kLinearDiscriminant, 0.01));
  EXPECT_EQ(task.rates().ScopeThreshold(0.0), -1e300);
  EXPECT_EQ(task.rates().SetQuantile(HeadKind::kLinearDiscriminant, 1e-4), 1);
}

// New rows of the same task: the set misses about as often as asked, at any rate.
TEST(RatesTest, CoverageOnNewRowsIsAsAsked) {
  Rows all = RandomRows(4000, kDim, 4, 3, 90);
  Rows train = all;
  train.label_index.resize(1000);
  train.phi.resize(static_cast<std::size_t>(1000) * kDim);
  const Case task = Make(train);
  const Head& head = task.settled.head;
  for (const double rate : {0.05, 0.2, 0.4}) {
    const double quantile = task.rates().SetQuantile(head.settings().kind, rate);
    const double threshold = task.rates().ScopeThreshold(rate);
    int missed = 0, rejected = 0;
    for (std::int64_t i = 1000; i < all.size(); ++i) {
      const Prediction prediction =
          head.Predict({all.phi.data() + i * kDim, static_cast<std::size_t>(kDim)});
      for (const LabelProbability& row : prediction.ranked)
        if (head.labels()[row.label] == all.labels[all.label_index[i]])
          missed += 1 - row.probability > quantile;
      rejected += prediction.scope_score < threshold;
    }
    // Three standard errors of 3,000 new rows and 1,000 learned ones: 3 sqrt(.25/3000 + .25/1000).
    EXPECT_NEAR(missed / 3000.0, rate, 0.055) << rate;
    EXPECT_NEAR(rejected / 3000.0, rate, 0.055) << rate;
  }
}

TEST(RatesTest, ArePureInTheSetOfRows) {
  const Case one = Make(RandomRows(120, kDim, 3, 5));
  const Case other = Make(Shuffled(one.rows, kDim, 99));
  EXPECT_EQ(one.rates(), other.rates());
}

TEST(RatesTest, NothingIsKnownOfATaskThatCannotBeJudged) {
  for (const std::int32_t labels : {1, 5}) {  // One label; one example a label.
    const Case task = Make(RandomRows(5, kDim, labels, 5));
    EXPECT_EQ(task.rates(), Rates());
    EXPECT_EQ(task.rates().SetQuantile(HeadKind::kLinearDiscriminant, 0.1), 1);
    EXPECT_EQ(task.rates().ScopeThreshold(0.1), -1e300);
  }
}

}  // namespace
}  // namespace ctt::learn
