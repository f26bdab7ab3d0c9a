#include "learn/kind_metrics.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ctt::learn {
namespace {

Prediction LabelsAt(std::vector<double> probabilities, double scope = 0, bool in_scope = true) {
  Prediction prediction;
  for (std::size_t i = 0; i < probabilities.size(); ++i)
    prediction.ranked.push_back({static_cast<std::int32_t>(i), probabilities[i]});
  prediction.scope_score = scope;
  prediction.in_scope = in_scope;
  return prediction;
}

Prediction NumberAt(double number) {
  Prediction prediction;
  prediction.number = number;
  return prediction;
}

TEST(LabelwiseMetricsTest, FiguresOfThreeRowsByHand) {
  const std::vector<std::string> labels = {"a", "b"};
  const JudgedLabels rows[] = {
      {{"a"}, LabelsAt({0.8, 0.4})},         // Right.
      {{"a", "b"}, LabelsAt({0.9, 0.3})},    // b missed.
      {{}, LabelsAt({0.5, 0.1}, 0, false)},  // a wrongly said: 0.5 holds.
  };
  const LabelwiseMetrics metrics = EvaluateLabels(rows, {}, labels, 0.5);
  EXPECT_EQ(metrics.n, 3);
  EXPECT_EQ(metrics.right, 1);
  EXPECT_DOUBLE_EQ(metrics.subset_accuracy, 1.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.hamming_loss, 2.0 / 6);
  EXPECT_DOUBLE_EQ(metrics.micro_precision, 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.micro_recall, 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.micro_f1, 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.macro_f1, (2 * 2.0 / 5 + 0) / 2);
  const double loss = -(std::log(0.8) + std::log(0.6) + std::log(0.9) + std::log(0.3) +
                        std::log(0.5) + std::log(0.9)) /
                      6;
  EXPECT_NEAR(metrics.log_loss, loss, 1e-12);
  // Each decision is alone in its bin but 0.4 and 0.3, 0.5 in theirs.
  EXPECT_NEAR(metrics.ece, (0.2 + 0.4 + 0.1 + 0.7 + 0.5 + 0.1) / 6, 1e-12);
  EXPECT_DOUBLE_EQ(metrics.in_scope_rate, 2.0 / 3);
  ASSERT_EQ(metrics.labels.size(), 2u);
  EXPECT_EQ(metrics.labels[0].support, 2);
  EXPECT_DOUBLE_EQ(metrics.labels[0].precision, 2.0 / 3);
  EXPECT_DOUBLE_EQ(metrics.labels[1].recall, 0);
}

TEST(LabelwiseMetricsTest, ALabelThatTheHeadDoesNotKnowIsMissed) {
  const std::vector<std::string> labels = {"a"};
  const JudgedLabels rows[] = {{{"new"}, LabelsAt({0.1})}, {{"a"}, LabelsAt({0.9})}};
  const LabelwiseMetrics metrics = EvaluateLabels(rows, {}, labels, 0.5);
  EXPECT_EQ(metrics.right, 1);
  EXPECT_DOUBLE_EQ(metrics.hamming_loss, 1.0 / 4);
  EXPECT_DOUBLE_EQ(metrics.macro_f1, 0.5);
}

TEST(LabelwiseMetricsTest, ScopeIsJudgedAgainstTextsOfNoTask) {
  const std::vector<std::string> labels = {"a"};
  const JudgedLabels rows[] = {{{"a"}, LabelsAt({0.9}, 2)}, {{}, LabelsAt({0.9}, 1)}};
  const Prediction others[] = {LabelsAt({0.9}, 0, false), LabelsAt({0.9}, 1.5)};
  const LabelwiseMetrics metrics = EvaluateLabels(rows, others, labels, 0.5);
  ASSERT_TRUE(metrics.scope.has_value());
  EXPECT_DOUBLE_EQ(metrics.scope->auroc, 3.0 / 4);
  EXPECT_DOUBLE_EQ(metrics.scope->recall, 0.5);
  EXPECT_DOUBLE_EQ(metrics.scope->right_and_kept, 0.5);
}

TEST(NumberMetricsTest, FiguresOfFourRowsByHand) {
  const JudgedNumber rows[] = {
      {1, NumberAt(1.5)}, {2, NumberAt(2)}, {3, NumberAt(2)}, {4, NumberAt(5)}};
  const NumberMetrics metrics = EvaluateNumbers(rows, {}, 0.5);
  EXPECT_DOUBLE_EQ(metrics.mae, 2.5 / 4);
  EXPECT_DOUBLE_EQ(metrics.rmse, std::sqrt(2.25 / 4));
  EXPECT_DOUBLE_EQ(*metrics.r2, 1 - 2.25 / 5);
  EXPECT_DOUBLE_EQ(*metrics.interval_coverage, 0.5);
  // Of 1.5, 2, 2, 5 the deviations are -1.125, -0.625, -0.625, 2.375.
  EXPECT_NEAR(*metrics.pearson, 5.25 / std::sqrt(5 * 7.6875), 1e-12);
  EXPECT_NEAR(*metrics.spearman, 4.5 / std::sqrt(5 * 4.5), 1e-12);  // Ranks 0, 1.5, 1.5, 3.
}

TEST(NumberMetricsTest, WhatIsNotDefinedIsAbsent) {
  const JudgedNumber rows[] = {{1, NumberAt(1)}, {1, NumberAt(2)}};
  const NumberMetrics metrics = EvaluateNumbers(rows, {}, std::nullopt);
  EXPECT_FALSE(metrics.r2.has_value());
  EXPECT_FALSE(metrics.pearson.has_value());
  EXPECT_FALSE(metrics.spearman.has_value());
  EXPECT_FALSE(metrics.interval_coverage.has_value());
}

}  // namespace
}  // namespace ctt::learn
