#pragma once
// The choices of head A: block, lambda and temperature by exact leave-one-out log-loss, then the
// scope threshold and the conformal quantile from the same left-out scores. Threads: pure.
#include <atomic>
#include <vector>

#include "learn/rates.h"
#include "learn/row_order.h"
#include "learn/solve.h"
#include "learn/temperature.h"

namespace ctt::learn {

struct DiscriminantChoice {
  Settings settings;    // kind A
  bool judged = false;  // Whether any row had a leave-one-out answer.
  double log_loss = 1e300, accuracy = 0;
  std::vector<Tally> tallies;  // [C], leave-one-out; empty when not judged.
  Rates rates;                 // Empty when not judged.
};

// Below this many rows the best of some forty choices is partly luck, its temperature above all: it
// must gain this far (compare.h) on StartingSettings.
inline constexpr std::int64_t kChosenRowsMin = 100;
inline constexpr double kChosenGain = 2;

// More rows need not be judged.
inline constexpr std::size_t kJudgedRowsMax = 4096;

// Leaves the choice at StartingSettings when no row has a leave-one-out answer (one label, or one
// example a label); stops early when *cancelled becomes true. Appends to `candidates`.
DiscriminantChoice ChooseDiscriminant(const Statistics& statistics, const RowOrder& order,
                                      const std::vector<Row>& sample, const SettleOptions& options,
                                      const std::atomic<bool>* cancelled,
                                      std::vector<Candidate>& candidates);

// The floor(n reject_rate)-th least score. REQUIRES: at least one, ascending.
double ScopeThreshold(const std::vector<double>& ascending, double reject_rate);

}  // namespace ctt::learn
