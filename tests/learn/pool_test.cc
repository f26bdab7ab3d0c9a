#include "learn/pool.h"

#include <cmath>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "learn/assemble.h"
#include "learn/choose_lexicon.h"
#include "learn/held_out.h"
#include "learn/temperature.h"
#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int64_t kClasses = 4;
constexpr std::size_t kRows = 37;  // Not a whole number of lanes.

struct Problem {
  std::vector<std::int32_t> labels;
  std::vector<std::vector<double>> distances;  // [K][C, padded]
  std::vector<double> betas;
  std::vector<PoolPart> parts() const {
    std::vector<PoolPart> parts;
    for (std::size_t k = 0; k < distances.size(); ++k) parts.push_back({distances[k], betas[k]});
    return parts;
  }
};

// Part k's own label is nearer by tells[k], in units of its noise.
Problem MakeProblem(const std::vector<double>& tells, std::uint32_t seed) {
  std::mt19937 random(seed);
  const auto padded = static_cast<std::size_t>(PaddedRows(kRows));
  Problem problem;
  for (std::size_t i = 0; i < kRows; ++i)
    problem.labels.push_back(static_cast<std::int32_t>(random() % kClasses));
  for (std::size_t k = 0; k < tells.size(); ++k) {
    std::vector<double>& part = problem.distances.emplace_back(kClasses * padded);
    const double unit = std::pow(10.0, static_cast<double>(k));  // Parts differ in scale.
    for (std::size_t c = 0; c < kClasses; ++c)
      for (std::size_t i = 0; i < kRows; ++i)
        part[c * padded + i] =
            unit * (static_cast<double>(random() % 1000) / 500 -
                    (problem.labels[i] == static_cast<std::int32_t>(c) ? tells[k] : 0));
    problem.betas.push_back(3 / unit);
  }
  return problem;
}

// The loss of pool.h as it is written, and its slope by differences, in shares.
double PlainLoss(const Problem& problem, const std::vector<double>& shares) {
  const auto padded = static_cast<std::size_t>(PaddedRows(kRows));
  double loss = 0;
  for (const double share : shares) loss += share * share;
  for (std::size_t i = 0; i < kRows; ++i) {
    double sum = 0, own = 0;
    for (std::size_t c = 0; c < kClasses; ++c) {
      double score = 0;
      for (std::size_t k = 0; k < shares.size(); ++k)
        score -= shares[k] * problem.betas[k] * problem.distances[k][c * padded + i] / 2;
      sum += std::exp(score);
      if (problem.labels[i] == static_cast<std::int32_t>(c)) own = score;
    }
    loss += std::log(sum) - own;
  }
  return loss;
}

std::vector<double> PlainDescent(const Problem& problem) {
  constexpr double kStep = 1e-3, kApart = 1e-5;
  std::vector<double> shares(problem.betas.size(), 1);
  for (int step = 0; step < 20000; ++step) {
    std::vector<double> next = shares;
    for (std::size_t k = 0; k < shares.size(); ++k) {
      std::vector<double> above = shares, below = shares;
      above[k] += kApart;
      below[k] -= kApart;
      next[k] -= kStep * (PlainLoss(problem, above) - PlainLoss(problem, below)) / (2 * kApart);
      next[k] = std::max(next[k], 0.0);
    }
    shares = next;
  }
  return shares;
}

TEST(PoolTest, FindsTheWeightsThatPlainDescentFinds) {
  for (const std::vector<double>& tells :
       {std::vector{1.0, 0.7, 0.4}, {0.6}, {1.0, -0.8, 0.5}, {-1.0, -1.0}, {9.0, 9.0, 9.0}}) {
    const Problem problem = MakeProblem(tells, 5);
    const std::vector<double> weights = PoolWeights(problem.parts(), problem.labels, kClasses);
    const std::vector<double> shares = PlainDescent(problem);
    ASSERT_EQ(weights.size(), shares.size());
    for (std::size_t k = 0; k < shares.size(); ++k)
      EXPECT_NEAR(weights[k] / problem.betas[k], shares[k], 1e-4) << k << " of " << tells.size();
  }
}

TEST(PoolTest, APartThatMisleadsWeighsNothing) {
  const Problem problem = MakeProblem({1.0, -0.8, 0.5}, 6);
  const std::vector<double> weights = PoolWeights(problem.parts(), problem.labels, kClasses);
  EXPECT_GT(weights[0], 0);
  EXPECT_EQ(weights[1], 0);
  EXPECT_GT(weights[2], 0);
}

TEST(PoolTest, PooledDistancesAreTheWeighedSum) {
  const Problem problem = MakeProblem({1.0, 0.5}, 7);
  const std::vector<double> pooled = PooledDistances(problem.parts(), std::vector{2.0, 0.25});
  ASSERT_EQ(pooled.size(), problem.distances[0].size());
  for (std::size_t at = 0; at < pooled.size(); ++at)
    EXPECT_EQ(pooled[at], 2 * problem.distances[0][at] + 0.25 * problem.distances[1][at]);
}

// log p(label) - log p(first label), by label.
std::map<std::string, double> LogOdds(const Head& head, const Row& row, std::int32_t dim) {
  std::map<std::string, double> odds;
  const Prediction prediction = head.Predict({row.phi, static_cast<std::size_t>(dim)}, row.ngrams);
  for (const LabelProbability& entry : prediction.ranked)
    odds[head.labels()[entry.label]] = std::log(entry.probability);
  const double first = odds.begin()->second;
  for (auto& [label, value] : odds) value -= first;
  return odds;
}

TEST(PoolTest, AHeadOfAPoolSaysTheWeighedSumOfItsParts) {
  constexpr std::int32_t kDim = 12;
  Rows rows = RandomRows(301, kDim, 3, 51, 90);
  AddWords(rows, 52);
  const Statistics statistics = StatisticsOf(rows, kDim);
  const Result<RowOrder> order = OrderRows(statistics, rows);
  ASSERT_TRUE(order.ok());
  Settings settings{.block = Block::kLast, .lambda = 0.1, .temperature = 0.02};
  Scatter scatter = ScatterOf(statistics, order->classes, settings.block);
  const Logistic logistic(scatter, BlockColumns(settings.block, kDim));
  const Lexicon lexicon = ChooseLexicon(order->rows, 3, 1);
  const FittedTerms terms(lexicon, order->rows);
  const LogisticWeights features =
      logistic.Fit(order->rows, logistic.BoundFor(0.03, 1), 1, nullptr);
  const LogisticWeights words = logistic.FitTerms(order->rows, terms, 1, nullptr);
  const std::vector<double> log_prior = LogPrior(scatter, Prior::kEmpirical);
  const std::optional<Discriminant> solved = Discriminate(scatter, settings.lambda);
  ASSERT_TRUE(solved);
  const auto pooled = [&](HeadKind kind, double a, double b, double l) {
    Pool pool{a, b, l, {}, {}, {}};
    if (b > 0) pool.of_features = features;
    if (l > 0) pool.of_words = words, pool.lexicon = lexicon;
    settings.kind = kind;
    return AssemblePool(order->classes, kDim, scatter, *solved, std::move(pool), settings);
  };
  const Head all = pooled(HeadKind::kHybrid, 0.02, 0.7, 0.4);
  const Head a = AssembleDiscriminant(order->classes, kDim, scatter, *solved, settings);
  const Head b = pooled(HeadKind::kLogistic, 0, 1, 0);
  const Head l = pooled(HeadKind::kLexical, 0, 0, 1);
  std::map<std::string, double> prior;
  for (std::size_t c = 0; c < order->classes.size(); ++c)
    prior[std::string(order->classes[c].label)] = log_prior[c] - log_prior[0];
  const double first = prior.begin()->second;
  for (const Row& row : std::span(order->rows).first(50)) {
    const auto of_a = LogOdds(a, row, kDim), of_b = LogOdds(b, row, kDim),
               of_l = LogOdds(l, row, kDim);
    for (const auto& [label, odds] : LogOdds(all, row, kDim))
      EXPECT_NEAR(
          odds,
          of_a.at(label) - (prior.at(label) - first) + 0.7 * of_b.at(label) + 0.4 * of_l.at(label),
          1e-4);
  }
  EXPECT_EQ(all.Predict({order->rows[0].phi, kDim}).scope_score,
            b.Predict({order->rows[0].phi, kDim}).scope_score);
}

// A temperature, not a beta: folds fit other numbers of rows than the whole task.
TEST(PoolTest, HeldOutDistancesAreMeantForATemperature) {
  constexpr std::int32_t kDim = 12;
  const Rows rows = RandomRows(120, kDim, 3, 61, 90);
  const Statistics statistics = StatisticsOf(rows, kDim);
  const Result<RowOrder> order = OrderRows(statistics, rows);
  ASSERT_TRUE(order.ok());
  const Settings settings{.block = Block::kLast, .lambda = 0.1, .temperature = 0.02};
  const std::vector<Split> splits = SplitsOf(order->rows, 3);
  const std::optional<HeldOut> held_out = HoldOutDiscriminant(kDim, splits, 3, settings);
  ASSERT_TRUE(held_out);
  std::size_t at = 0;
  for (const Split& split : splits) {
    const Result<Head> head = Solve(StatisticsOf(kDim, split.fitted), settings);
    ASSERT_TRUE(head.ok());
    std::vector<double> log_prior(3);
    for (const Row& row : split.fitted) log_prior[row.label] += 1;
    for (double& count : log_prior)
      count = std::log(count / static_cast<double>(split.fitted.size()));
    const std::vector<double> misfits = Misfits(held_out->View(log_prior), settings.temperature);
    for (const Row& row : split.held_out) {
      for (const LabelProbability& entry : head->Predict({row.phi, kDim}).ranked)
        if (head->labels()[entry.label] == std::to_string(row.label)) {
          EXPECT_NEAR(1 - misfits[at], entry.probability, 1e-5);
        }
      ++at;
    }
  }
}

}  // namespace
}  // namespace ctt::learn
