#include "learn/prior_shift.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace ctt::learn {
namespace {

constexpr std::int32_t kLabels = 3;
const std::vector<double> kLearned = {0.5, 0.3, 0.2};

// What a calibrated head that has learned kLearned says of texts whose labels have `shares`: each
// text is a point around its label's corner, and p(x | c) is known.
struct Batch {
  std::vector<Prediction> predictions;
  std::vector<std::int32_t> truths;
};
Batch BatchOf(int count, const std::vector<double>& shares, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 0.8);
  std::discrete_distribution<std::int32_t> draw(shares.begin(), shares.end());
  Batch batch;
  for (int i = 0; i < count; ++i) {
    const std::int32_t truth = draw(random);
    std::vector<double> x(kLabels);
    for (std::int32_t j = 0; j < kLabels; ++j) x[j] = noise(random) + (j == truth ? 1 : 0);
    std::vector<double> p(kLabels);
    for (std::int32_t c = 0; c < kLabels; ++c) p[c] = kLearned[c] * std::exp(x[c] / 0.64);
    const double sum = std::accumulate(p.begin(), p.end(), 0.0);
    Prediction prediction;
    for (std::int32_t c = 0; c < kLabels; ++c) prediction.ranked.push_back({c, p[c] / sum});
    std::sort(prediction.ranked.begin(), prediction.ranked.end(),
              [](const auto& a, const auto& b) { return a.probability > b.probability; });
    batch.predictions.push_back(prediction);
    batch.truths.push_back(truth);
  }
  return batch;
}

double Accuracy(const Batch& batch) {
  double right = 0;
  for (std::size_t i = 0; i < batch.truths.size(); ++i)
    right += batch.predictions[i].ranked.front().label == batch.truths[i];
  return right / static_cast<double>(batch.truths.size());
}

void Apply(const std::vector<double>& shares, Batch& batch) {
  for (Prediction& prediction : batch.predictions) ApplyShares(shares, kLearned, prediction);
}

TEST(PriorShiftTest, FindsTheSharesAndAnswersBetter) {
  const std::vector<double> shifted = {0.05, 0.15, 0.8};
  Batch batch = BatchOf(3000, shifted, 1);
  const double before = Accuracy(batch);
  const std::vector<double> shares = EstimateShares(batch.predictions, kLearned);
  // Three standard errors: the classes overlap, so that a text tells less than a label would.
  for (std::int32_t c = 0; c < kLabels; ++c) EXPECT_NEAR(shares[c], shifted[c], 0.04) << c;
  Apply(shares, batch);
  EXPECT_GT(Accuracy(batch), before + 0.1);
}

TEST(PriorShiftTest, WithoutAShiftLittleChanges) {
  Batch batch = BatchOf(3000, kLearned, 2);
  const double before = Accuracy(batch);
  const std::vector<double> shares = EstimateShares(batch.predictions, kLearned);
  for (std::int32_t c = 0; c < kLabels; ++c) EXPECT_NEAR(shares[c], kLearned[c], 0.04) << c;
  Apply(shares, batch);
  EXPECT_NEAR(Accuracy(batch), before, 0.01);
  // One text moves the shares by less than its weight among one row a label.
  const std::vector<double> one =
      EstimateShares(std::span(batch.predictions).subspan(0, 1), kLearned);
  for (std::int32_t c = 0; c < kLabels; ++c) EXPECT_NEAR(one[c], kLearned[c], 0.25) << c;
}

// What is found is where another round would stay: the mean of the corrected answers, beside one
// row a label with the shares as learned. Answers whose mean is what was learned stay to the bit.
TEST(PriorShiftTest, IsAFixedPoint) {
  for (const std::uint32_t seed : {3u, 4u, 5u}) {
    Batch batch = BatchOf(50, {0.2, 0.2, 0.6}, seed);
    const std::vector<double> shares = EstimateShares(batch.predictions, kLearned);
    EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1, 1e-12);
    Apply(shares, batch);
    std::vector<double> again(kLabels);
    for (std::int32_t c = 0; c < kLabels; ++c) again[c] = kLabels * kLearned[c];
    for (const Prediction& prediction : batch.predictions)
      for (const LabelProbability& row : prediction.ranked) again[row.label] += row.probability;
    for (std::int32_t c = 0; c < kLabels; ++c)
      EXPECT_NEAR(again[c] / (kLabels + 50), shares[c], 1e-8) << c;
  }
  Batch sure;
  for (const std::int32_t label : {0, 0, 0, 0, 0, 1, 1, 1, 2, 2}) {
    Prediction prediction;
    prediction.ranked = {{label, 1.0}, {(label + 1) % 3, 0.0}, {(label + 2) % 3, 0.0}};
    sure.predictions.push_back(prediction);
  }
  const std::vector<double> shares = EstimateShares(sure.predictions, kLearned);
  for (std::int32_t c = 0; c < kLabels; ++c) EXPECT_DOUBLE_EQ(shares[c], kLearned[c]);
}

TEST(PriorShiftTest, TextsOutOfScopeTellNothing) {
  Batch batch = BatchOf(200, {0.1, 0.1, 0.8}, 6);
  const std::vector<double> alone = EstimateShares(batch.predictions, kLearned);
  Batch strange = BatchOf(200, {1, 0, 0}, 7);
  for (Prediction& prediction : strange.predictions) {
    prediction.in_scope = false;
    batch.predictions.push_back(prediction);
  }
  EXPECT_EQ(EstimateShares(batch.predictions, kLearned), alone);
  EXPECT_EQ(EstimateShares(strange.predictions, kLearned), kLearned);
}

TEST(PriorShiftTest, OrderAndMarginFollow) {
  Prediction prediction;
  prediction.ranked = {{0, 0.6}, {1, 0.3}, {2, 0.1}};
  const std::vector<double> even = {1. / 3, 1. / 3, 1. / 3}, shares = {0.1, 0.2, 0.7};
  ApplyShares(shares, even, prediction);
  EXPECT_EQ(prediction.ranked[0].label, 2);  // 0.07 of 0.06 + 0.06 + 0.07; the tie by label.
  EXPECT_EQ(prediction.ranked[1].label, 0);
  EXPECT_NEAR(prediction.ranked[0].probability, 0.07 / 0.19, 1e-12);
  EXPECT_NEAR(prediction.margin, 0.01 / 0.19, 1e-12);
}

}  // namespace
}  // namespace ctt::learn
