#pragma once
// How good the answers of multi-label and regression tasks are on a file of rows. Pure functions.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "learn/head.h"
#include "learn/metrics.h"

namespace ctt::learn {

struct JudgedLabels {
  std::vector<std::string> truth;  // Any order; repeats count once.
  Prediction prediction;
};

// A decision is one row and one label: whether the row holds it. Labels are those that the head or
// a row knows; a label that the head does not know gets probability 0 everywhere.
struct LabelwiseMetrics {
  std::int64_t n = 0;
  std::int64_t right = 0;                                    // Rows whose decisions are all right.
  double subset_accuracy = 0;                                // right / n
  double subset_accuracy_low = 0, subset_accuracy_high = 1;  // Wilson's 95 % interval.
  double hamming_loss = 0;                                   // Share of decisions that are wrong.
  double micro_precision = 0, micro_recall = 0, micro_f1 = 0;
  double macro_f1 = 0;  // Mean of F1 over the labels with support.
  double log_loss = 0;  // Of a decision, mean; natural; probabilities kept 1e-15 from 0 and 1.
  double ece = 0;       // Of decisions: 15 equal-width bins of the probability that a label holds.
  double in_scope_rate = 0;
  std::vector<ClassMetrics> labels;  // By name.
  std::vector<ReliabilityBin> reliability;
  std::optional<ScopeMetrics> scope;
};
// A label holds from `threshold` on. REQUIRES: predictions of a labelwise head with these labels.
LabelwiseMetrics EvaluateLabels(std::span<const JudgedLabels> rows,
                                std::span<const Prediction> others,
                                std::span<const std::string> labels, double threshold);

struct JudgedNumber {
  double truth = 0;
  Prediction prediction;
};

struct NumberMetrics {
  std::int64_t n = 0;
  double mae = 0, rmse = 0;
  // Where all truths, or all answers, are equal, these are not defined: absent.
  std::optional<double> r2;  // Against the mean of the truths.
  std::optional<double> pearson, spearman;
  // Of the intervals answer -+ half: the share that holds the truth; absent without a half.
  std::optional<double> interval_coverage, interval_half;
  double in_scope_rate = 0;
  std::optional<ScopeMetrics> scope;  // right_and_kept: rows whose interval holds, in scope.
};
// REQUIRES: predictions of a ridge head.
NumberMetrics EvaluateNumbers(std::span<const JudgedNumber> rows,
                              std::span<const Prediction> others, std::optional<double> half);

// Correlation of equal numbers of values; nullopt when either side does not vary. Spearman's is
// that of the ranks, ties at their mean rank.
std::optional<double> Pearson(std::span<const double> a, std::span<const double> b);
std::optional<double> Spearman(std::span<const double> a, std::span<const double> b);

}  // namespace ctt::learn
