#include "learn/labelwise.h"

#include <gtest/gtest.h>

#include "learn/label_rows.h"
#include "learn/rates.h"
#include "learn/shared_scatter.h"
#include "tests/learn/dense.h"
#include "tests/learn/kind_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 6;
constexpr double kLambda = 0.3;

bool HoldsLabel(const Rows& rows, std::size_t row, std::int32_t label) {
  const auto& set = rows.label_sets[row];
  return std::find(set.begin(), set.end(), label) != set.end();
}

double FullTau(const Rows& rows) {
  std::vector<Vector> all;
  for (std::size_t i = 0; i < rows.label_sets.size(); ++i) all.push_back(RowOf(rows.phi, i, kDim));
  Matrix total(kDim);
  AddScatter(all, total);
  return Trace(total) / kDim;
}

// dist_1 - dist_0 of `x` by head A between the rows that hold the label and the others, fitted to
// all rows but `without`.
double PlainDifference(const Rows& rows, std::int32_t label, const Vector& x, std::size_t without) {
  std::vector<Vector> sides[2];
  for (std::size_t i = 0; i < rows.label_sets.size(); ++i)
    if (i != without) sides[HoldsLabel(rows, i, label)].push_back(RowOf(rows.phi, i, kDim));
  Matrix m(kDim);
  for (const auto& side : sides) AddScatter(side, m);
  AddRidge(kLambda * FullTau(rows), m);
  return SquaredNorm(m, Less(x, MeanOf(sides[1]))) - SquaredNorm(m, Less(x, MeanOf(sides[0])));
}

// Parts of one block, as settling has them.
struct Bench {
  explicit Bench(const Rows& given)
      : rows(given),
        statistics(KindStatistics(rows, kDim)),
        scatter(SharedScatterOf(statistics, Block::kBoth)),
        sample(SampleByContent(rows, kDim, 1000)),
        label_rows(statistics, scatter, rows, sample, {0, kDim}, Prior::kEmpirical),
        products(*label_rows.At(kLambda)) {}
  Rows rows;
  Statistics statistics;
  Scatter scatter;
  ContentRows sample;
  LabelRows label_rows;
  Products products;
};

TEST(LabelwiseTest, LeavingARowOutEqualsRefitting) {
  const Bench bench(MultiRows(40, kDim, 3, 1));
  for (std::int32_t label = 0; label < 3; ++label) {
    const LabelView view = bench.label_rows.View(bench.products, label);
    ASSERT_EQ(view.labels.size(), 40u);
    const double* differences = view.distances.data() + view.distances.size() / 2;
    for (std::size_t i = 0; i < view.labels.size(); ++i) {
      const auto row = static_cast<std::size_t>(bench.sample.rows[view.position[i]]);
      ASSERT_EQ(view.labels[i] == 1, HoldsLabel(bench.rows, row, label));
      const double plain =
          PlainDifference(bench.rows, label, RowOf(bench.rows.phi, row, kDim), row);
      EXPECT_NEAR(differences[i], plain, 1e-9 * (1 + std::fabs(plain)));
    }
  }
}

TEST(LabelwiseTest, ScopeOfALeftOutRowEqualsRefitting) {
  const Bench bench(MultiRows(30, kDim, 3, 2));
  std::vector<double> plain;
  for (std::size_t out = 0; out < 30; ++out) {
    std::vector<Vector> all, held[3];
    for (std::size_t i = 0; i < 30; ++i) {
      if (i == out) continue;
      all.push_back(RowOf(bench.rows.phi, i, kDim));
      for (std::int32_t label = 0; label < 3; ++label)
        if (HoldsLabel(bench.rows, i, label)) held[label].push_back(all.back());
    }
    Matrix m(kDim);
    AddScatter(all, m);
    AddRidge(kLambda * FullTau(bench.rows), m);
    const Vector x = RowOf(bench.rows.phi, out, kDim);
    double nearest = 1e300;
    for (const auto& rows : held)
      nearest = std::min(nearest, SquaredNorm(m, Less(x, MeanOf(rows))));
    plain.push_back(SquaredNorm(m, Less(x, MeanOf(all))) - nearest);
  }
  std::sort(plain.begin(), plain.end());
  const std::vector<double> scores = bench.label_rows.ScopeScores(bench.products);
  ASSERT_EQ(scores.size(), plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(scores[i], plain[i], 1e-9);
}

TEST(LabelwiseTest, AnswersAsHeadAOfTwoClassesWould) {
  const Rows rows = MultiRows(60, kDim, 3, 3);
  const Statistics statistics = KindStatistics(rows, kDim);
  Settings settings = StartingSettings(statistics);
  settings.lambda = kLambda;
  settings.label_temperatures = {{"label 1", 2.5}};
  const auto head = Solve(statistics, settings);
  ASSERT_TRUE(head.ok()) << head.status().ToString();
  for (std::size_t row = 0; row < 10; ++row) {
    const Prediction prediction = head->Predict({rows.phi.data() + row * kDim, kDim});
    ASSERT_EQ(prediction.ranked.size(), 3u);
    for (const LabelProbability& answer : prediction.ranked) {
      double count = 0;
      for (std::size_t i = 0; i < 60; ++i) count += HoldsLabel(rows, i, answer.label);
      const double beta = 60 * (answer.label == 1 ? 2.5 : settings.temperature);
      const double difference =
          PlainDifference(rows, answer.label, RowOf(rows.phi, row, kDim), 1000);
      const double score = -beta / 2 * difference + std::log(count / (60 - count));
      EXPECT_NEAR(answer.probability, 1 / (1 + std::exp(-score)), 1e-5);
    }
    EXPECT_GE(prediction.ranked[0].probability, prediction.ranked[2].probability);
  }
}

// Texts come seven times with other labels: names and order must not decide between those.
Rows WithRepeats(Rows rows) {
  for (std::size_t copy = 1; copy <= 6; ++copy) {
    for (std::size_t i = 0; i < 10; ++i) {
      for (std::int32_t j = 0; j < kDim; ++j) rows.phi.push_back(rows.phi[i * kDim + j]);
      rows.label_sets.push_back((i + copy) % 2 == 0 ? std::vector<std::int32_t>{0}
                                                    : std::vector<std::int32_t>{2});
    }
  }
  return rows;
}

TEST(LabelwiseTest, WhatSettlingFindsFollowsFromTheSetOfExamplesAlone) {
  const Rows rows = WithRepeats(MultiRows(150, kDim, 4, 4));
  const Settled settled = SettledOf(rows, kDim);
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    const Settled other =
        SettledOf(Picked(rows, kDim, Mixed(rows.label_sets.size(), seed)), kDim, 3);
    EXPECT_EQ(other.head.ContentDigest(), settled.head.ContentDigest());
    EXPECT_EQ(other.report.loo_log_loss, settled.report.loo_log_loss);
  }
}

// Sums over labels, the temperature that small ones share among them: those must not run by name.
TEST(LabelwiseTest, ARenamedLabelKeepsItsNumbers) {
  for (const std::int32_t labels : {4, 9, 15}) {
    Rows rows = WithRepeats(MultiRows(150, kDim, labels, 5));
    // Labels past the ninth are held a few times.
    for (std::size_t i = 0; i < rows.label_sets.size(); ++i)
      if (i % 30 != 0) std::erase_if(rows.label_sets[i], [](std::int32_t c) { return c > 8; });
    const Settled before = SettledOf(rows, kDim);
    rows.labels[1] = "zz";
    rows.labels.back() = "a";
    const Settled after = SettledOf(rows, kDim);
    const std::string last = "label " + std::to_string(labels - 1);
    const Head renamed =
        RenameInLabelwise(RenameInLabelwise(before.head, "label 1", "zz"), last, "a");
    EXPECT_EQ(renamed.ContentDigest(), after.head.ContentDigest()) << labels;
    EXPECT_EQ(renamed.settings(), after.head.settings()) << labels;
    EXPECT_EQ(before.report.loo_log_loss, after.report.loo_log_loss) << labels;
  }
}

TEST(LabelwiseTest, HeadsComeBackFromTheirBytes) {
  const Settled settled = SettledOf(MultiRows(120, kDim, 3, 6), kDim);
  const auto parsed = Head::Parse(settled.head.Serialize());
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed->ContentDigest(), settled.head.ContentDigest());
  EXPECT_EQ(parsed->settings(), settled.head.settings());
  EXPECT_FALSE(settled.head.settings().label_temperatures.empty());
  const auto settings = ParseSettings(SerializeSettings(settled.head.settings()));
  ASSERT_TRUE(settings.ok());
  EXPECT_EQ(*settings, settled.head.settings());
}

TEST(LabelwiseTest, ChoosesByLeaveOneOutLossAndReportsRows) {
  const Settled settled = SettledOf(MultiRows(200, kDim, 3, 7), kDim);
  double least = 1e300;
  for (const Candidate& candidate : settled.report.candidates)
    least = std::min(least, candidate.log_loss);
  EXPECT_EQ(settled.report.loo_log_loss, least);
  EXPECT_GT(settled.report.loo_accuracy, 0.4);
  ASSERT_EQ(settled.report.labels.size(), 3u);
  EXPECT_EQ(settled.report.labels[0].judged, settled.report.labels[0].examples);
}

TEST(LabelwiseTest, ScopeRejectsAboutTheShareAskedFor) {
  const Rows rows = MultiRows(400, kDim, 3, 8);
  const Settled settled = SettledOf(rows, kDim);
  const Rates& rates = settled.rates;
  EXPECT_NEAR(rates.ScopeThreshold(0.05), settled.head.settings().scope_threshold, 1e-9);
  EXPECT_GT(rates.ScopeThreshold(0.3), rates.ScopeThreshold(0.05));
  int rejected = 0;
  for (std::size_t i = 0; i < 400; ++i)
    rejected += !settled.head.Predict({rows.phi.data() + i * kDim, kDim}).in_scope;
  EXPECT_NEAR(rejected, 20, 8);
}

struct SmallSet {
  const char* why;
  std::vector<std::vector<std::int32_t>> sets;
};
const SmallSet kSmallSets[] = {
    {"one example without a label", {{}}},
    {"one example with two labels", {{0, 1}}},
    {"no label at all", {{}, {}, {}}},
    {"a label of one example", {{0}, {}, {}, {}}},
    {"a label of all but one", {{0}, {0}, {0}, {}}},
    {"a label of every example", {{0}, {0, 1}, {0}, {0, 1}}},
};

TEST(LabelwiseTest, SmallSetsAreAnsweredByRule) {
  for (const SmallSet& small : kSmallSets) {
    Rows rows = MultiRows(std::ssize(small.sets), kDim, 2, 9);
    rows.label_sets = small.sets;
    const Settled settled = SettledOf(rows, kDim);
    const Prediction prediction = settled.head.Predict({rows.phi.data(), kDim});
    EXPECT_EQ(prediction.ranked.size(), KindStatistics(rows, kDim).label_count()) << small.why;
    for (const LabelProbability& answer : prediction.ranked) {
      EXPECT_GE(answer.probability, 0) << small.why;
      EXPECT_LE(answer.probability, 1) << small.why;
    }
    EXPECT_TRUE(Head::Parse(settled.head.Serialize()).ok()) << small.why;
  }
}

TEST(LabelwiseTest, ALabelOfEveryExampleIsAnsweredByItsShare) {
  Rows rows = MultiRows(4, kDim, 1, 10);
  rows.label_sets = {{0}, {0}, {0}, {0}};
  const Prediction prediction = SettledOf(rows, kDim).head.Predict({rows.phi.data(), kDim});
  EXPECT_NEAR(prediction.ranked[0].probability, 4.5 / 5, 1e-12);
  EXPECT_TRUE(prediction.in_scope);
}

}  // namespace
}  // namespace ctt::learn
