#include "learn/solve.h"

#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "learn/cholesky.h"
#include "learn/scatter.h"
#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 10;

Head SolveOrDie(const Statistics& statistics, const Settings& settings) {
  Result<Head> head = Solve(statistics, settings);
  EXPECT_TRUE(head.ok()) << head.status().ToString();
  return std::move(head).value();
}

std::map<std::string, double> Probabilities(const Head& head, std::span<const std::int8_t> phi) {
  std::map<std::string, double> found;
  for (const LabelProbability& entry : head.Predict(phi).ranked)
    found[head.labels()[entry.label]] = entry.probability;
  return found;
}

// Density of each class and both distances of the scope, densely and with no cancellation used.
struct Dense {
  std::map<std::string, double> probabilities;
  double scope;
};
Dense Plain(const Statistics& statistics, const Settings& settings,
            std::span<const std::int8_t> phi) {
  const auto classes = ContentOrder(statistics);
  const Scatter scatter = ScatterOf(statistics, classes, settings.block);
  const std::int64_t dim = scatter.dim;
  std::vector<double> m = scatter.within, total = m;
  for (std::int64_t i = 0; i < dim; ++i)
    for (std::int64_t j = i; j < dim; ++j) {
      for (std::int64_t c = 0; c < scatter.class_count; ++c)
        total[i * dim + j] +=
            scatter.counts[c] * scatter.offsets[c * dim + i] * scatter.offsets[c * dim + j];
      if (i == j)
        m[i * dim + j] += settings.lambda * scatter.tau,
            total[i * dim + j] += settings.lambda * scatter.tau;
    }
  const auto norm = [&](const std::vector<double>& matrix, std::int64_t c) {
    std::vector<double> d(dim), x;
    for (std::int64_t j = 0; j < dim; ++j)
      d[j] = phi[BlockColumns(settings.block, statistics.feature_dim()).begin + j] -
             scatter.mean[j] - (c < 0 ? 0 : scatter.offsets[c * dim + j]);
    x = d;
    Cholesky::Factor(matrix, dim)->Solve(x, 1);
    double sum = 0;
    for (std::int64_t j = 0; j < dim; ++j) sum += d[j] * x[j];
    return sum;
  };
  const double beta = settings.temperature * scatter.example_count;
  Dense dense;
  double nearest = 1e300, sum = 0;
  for (std::int64_t c = 0; c < scatter.class_count; ++c) {
    nearest = std::min(nearest, norm(m, c));
    const double prior =
        settings.prior == Prior::kUniform ? 1 : scatter.counts[c] / scatter.example_count;
    sum += dense.probabilities[std::string(classes[c].label)] =
        prior * std::exp(-beta / 2 * norm(m, c));
  }
  for (auto& [label, probability] : dense.probabilities) probability /= sum;
  dense.scope = norm(total, -1) - nearest;
  if (settings.scope_spread > 0) {
    double length = 0;
    for (std::int64_t j = 0; j < dim; ++j) {
      const std::int32_t begin = BlockColumns(settings.block, statistics.feature_dim()).begin;
      length += std::pow(phi[begin + j] - scatter.mean[j], 2);
    }
    const double spread = settings.scope_spread / scatter.example_count;
    dense.scope = (dense.scope + norm(m, -1) - nearest - spread * length) / 2;
  }
  return dense;
}

// The bound: weights are fp32, 2^-24 of scores of some 10 to 100.
TEST(SolveTest, PredictsWhatTheDensitiesSay) {
  const Rows rows = RandomRows(60, kDim, 4, 21, 60);
  const Statistics statistics = StatisticsOf(Rows(rows), kDim);
  for (const Block block : {Block::kLast, Block::kLayer4, Block::kBoth})
    for (const Prior prior : {Prior::kEmpirical, Prior::kUniform}) {
      Settings settings;
      settings.block = block, settings.prior = prior, settings.lambda = 0.2,
      settings.temperature = 0.3;
      settings.scope_spread = prior == Prior::kUniform ? 0.05 : 0;
      const Head head = SolveOrDie(statistics, settings);
      for (std::int64_t i = 0; i < 20; ++i) {
        const auto phi = std::span<const std::int8_t>(rows.phi).subspan(i * kDim, kDim);
        const Dense dense = Plain(statistics, settings, phi);
        for (const auto& [label, probability] : Probabilities(head, phi))
          EXPECT_NEAR(probability, dense.probabilities.at(label), 1e-5);
        EXPECT_NEAR(head.Predict(phi).scope_score, dense.scope,
                    1e-6 * (1 + std::fabs(dense.scope)));
      }
    }
}

TEST(SolveTest, ArrivalAndNamesLeaveNoTrace) {
  const Rows rows = RandomRows(53, kDim, 5, 22);  // Labels of unequal counts.
  const Settings settings = StartingSettings(StatisticsOf(rows, kDim));
  const Head head = SolveOrDie(StatisticsOf(rows, kDim), settings);
  EXPECT_EQ(SolveOrDie(StatisticsOf(Shuffled(rows, kDim, 1), kDim), settings).Serialize(),
            head.Serialize());

  Rows renamed = rows;
  renamed.labels = {"zz", "b", "a", "yy", "c"};
  const Head other = SolveOrDie(StatisticsOf(renamed, kDim), settings);
  for (std::int64_t i = 0; i < rows.size(); ++i) {
    const auto phi = std::span<const std::int8_t>(rows.phi).subspan(i * kDim, kDim);
    const auto before = Probabilities(head, phi), after = Probabilities(other, phi);
    for (int c = 0; c < 5; ++c) ASSERT_EQ(before.at(rows.labels[c]), after.at(renamed.labels[c]));
    ASSERT_EQ(head.Predict(phi).scope_score, other.Predict(phi).scope_score);
  }
}

TEST(SolveTest, OneLabelAnswersWithCertainty) {
  const Rows rows = RandomRows(3, kDim, 1, 23);
  const Prediction prediction =
      SolveOrDie(StatisticsOf(rows, kDim), {}).Predict(std::vector<std::int8_t>(kDim, 100));
  ASSERT_EQ(prediction.ranked.size(), 1u);
  EXPECT_EQ(prediction.ranked[0].probability, 1);
  EXPECT_EQ(prediction.margin, 1);
  EXPECT_TRUE(prediction.in_scope);
}

TEST(SolveTest, OneExampleALabelIsANearestMean) {
  const Rows rows = RandomRows(4, kDim, 4, 24);
  const Head head = SolveOrDie(StatisticsOf(rows, kDim), {});
  for (std::int64_t i = 0; i < 4; ++i) {
    const Prediction prediction =
        head.Predict(std::span<const std::int8_t>(rows.phi).subspan(i * kDim, kDim));
    EXPECT_EQ(head.labels()[prediction.ranked[0].label], rows.labels[i]);
  }
}

struct Degenerate {
  const char* why;
  int copies;               // Of one row,
  std::vector<int> labels;  // that many under each label.
};

TEST(SolveTest, EqualRowsLeaveThePrior) {
  for (const Degenerate& row : {Degenerate{"one row", 1, {1}},
                                {"copies in one label", 5, {5}},
                                {"a duplicate under two labels", 2, {1, 1}},
                                {"copies under unequal labels", 4, {3, 1}}}) {
    Statistics statistics(kDim);
    const std::vector<std::int8_t> phi = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    for (std::size_t c = 0; c < row.labels.size(); ++c)
      for (int k = 0; k < row.labels[c]; ++k)
        ASSERT_TRUE(
            statistics.Add(phi, std::vector<std::string>{"label " + std::to_string(c)}).ok());
    const auto found = Probabilities(SolveOrDie(statistics, {}), phi);
    for (std::size_t c = 0; c < row.labels.size(); ++c)
      EXPECT_NEAR(found.at("label " + std::to_string(c)), double{1} * row.labels[c] / row.copies,
                  1e-12)
          << row.why;
  }
}

TEST(SolveTest, NothingToLearnFromIsAnError) {
  EXPECT_EQ(Solve(Statistics(kDim), {}).status().code(), Code::kFailedPrecondition);
}

TEST(SolveTest, BrokenSumsAreAnErrorNotACrash) {
  const Rows rows = RandomRows(4, kDim, 2, 25);
  Statistics statistics = StatisticsOf(rows, kDim);
  // Unlearning rows that were never learned leaves sums of no set at all.
  const std::vector<std::int8_t> strange(2 * kDim, 127);
  ASSERT_TRUE(statistics.Remove(strange, std::vector<std::string>{"label 0", "label 1"}).ok());
  EXPECT_EQ(Solve(statistics, {}).status().code(), Code::kInternal);
}

TEST(SolveTest, OneFeatureIsEnough) {
  Statistics statistics(1);
  ASSERT_TRUE(statistics
                  .Add(std::vector<std::int8_t>{5, 7, -5, -6},
                       std::vector<std::string>{"up", "up", "down", "down"})
                  .ok());
  for (const Block block : {Block::kLast, Block::kLayer4, Block::kBoth}) {
    Settings settings;
    settings.block = block;
    const Head head = SolveOrDie(statistics, settings);
    EXPECT_EQ(head.labels()[head.Predict(std::vector<std::int8_t>{9}).ranked[0].label], "up");
  }
}

}  // namespace
}  // namespace ctt::learn
