#pragma once
// How good answers are: accuracy, macro F1, log-loss, ECE over a labelled file. Pure functions.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "learn/head.h"

namespace ctt::learn {

// One labelled row and the answer it got.
struct Judged {
  std::string truth;
  Prediction prediction;
};

struct ClassMetrics {
  std::string label;
  std::int64_t support = 0;  // Rows whose truth it is.
  double precision = 0, recall = 0, f1 = 0;
};

struct Metrics {
  std::int64_t n = 0;
  double accuracy = 0;  // A truth that the head does not know counts as an error.
  double macro_f1 = 0;  // Mean of F1 over the labels with support.
  double weighted_f1 = 0;
  double log_loss =
      0;           // Natural; probability floored at 1e-15, which is what an unknown truth gets.
  double ece = 0;  // 15 equal-width bins of the top probability; Naeini et al. 2015.
  double in_scope_rate = 0;
  std::vector<ClassMetrics> classes;  // By label name.
};

// REQUIRES: every prediction came from a head with these labels.
Metrics Evaluate(std::span<const Judged> rows, std::span<const std::string> labels);

}  // namespace ctt::learn
