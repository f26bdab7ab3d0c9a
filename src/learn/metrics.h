#pragma once
// How good answers are on a labelled file, and how well texts of no label are told apart. Pure
// functions.
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "learn/head.h"

namespace ctt::learn {

// One labelled row and the answer it got.
struct Judged {
  std::string truth;
  Prediction prediction;
  std::vector<std::int32_t> set;  // Label indices of its LAC set; empty when none was asked for.
};

struct ClassMetrics {
  std::string label;
  std::int64_t support = 0;  // Rows whose truth it is.
  double precision = 0, recall = 0, f1 = 0;
};

struct Confusion {  // Rows of one label that got another.
  std::string truth, answer;
  std::int64_t count = 0;
};

struct ReliabilityBin {  // Of the top probability, [k / 15, (k + 1) / 15).
  std::int64_t count = 0;
  double confidence = 0, accuracy = 0;  // Means; 0 without rows.
};

// How well the scope score tells labelled rows from texts of no label.
struct ScopeMetrics {
  std::int64_t n = 0;         // Texts of no label.
  double auroc = 0;           // Ties count one half.
  double fpr95 = 0;           // Share of those texts kept where 95 % of the labelled rows are.
  double recall = 0;          // Share of them that was rejected.
  double right_and_kept = 0;  // Labelled rows answered right and in scope.
};

struct Metrics {
  std::int64_t n = 0;
  std::int64_t right = 0;
  double accuracy = 0;  // right / n. A truth that the head does not know counts as an error.
  double accuracy_low = 0, accuracy_high = 1;  // Wilson's 95 % interval.
  double macro_f1 = 0;                         // Mean of F1 over the labels with support.
  double weighted_f1 = 0;
  // Natural; probability floored at 1e-15, which is what an unknown truth gets.
  double log_loss = 0;
  double ece = 0;  // 15 equal-width bins of the top probability; Naeini et al. 2015.
  double in_scope_rate = 0;
  double set_coverage = 0, set_size = 0;    // Of the sets: share that holds the truth, mean size.
  std::vector<ClassMetrics> classes;        // By label name.
  std::vector<Confusion> confusion;         // Falling count, then by names.
  std::vector<ReliabilityBin> reliability;  // 15
  std::optional<ScopeMetrics> scope;        // When there were texts of no label.
  // By label, when answers were corrected for the labels' shares among the rows (prior_shift.h).
  std::map<std::string, double> estimated_prior;
};

// `others` are the answers to texts of no label. REQUIRES: every prediction came from a head with
// these labels.
Metrics Evaluate(std::span<const Judged> rows, std::span<const Prediction> others,
                 std::span<const std::string> labels);

// `kept` are the scope scores of labelled rows, at least one, as of `others`, texts of no label.
ScopeMetrics JudgeScope(std::vector<double> kept, std::int64_t right_and_kept,
                        std::span<const Prediction> others);

struct Interval {
  double low = 0, high = 1;
};
// Of a share right / n at z = 1.96. Source: Wilson 1927. [0, 1] when n is 0.
Interval WilsonInterval(std::int64_t right, std::int64_t n);

}  // namespace ctt::learn
