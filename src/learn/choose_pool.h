#pragma once
// Whether A alone answers a task, or A, a logistic head on the features and one on the words
// together (pool.h): by log-loss on rows held out, with A's own choices fitted to the same rows.
// (A's leave-one-out loss would be no fair rival: it has seen a fifth more, which decides at 5 to
// 10 rows a class.) Threads: pure. Memory while at work: five times 8 bytes for each held-out row
// and class; then that of two Logistic::Fit at once.
#include <atomic>
#include <optional>
#include <vector>

#include "learn/assemble.h"
#include "learn/row_order.h"
#include "learn/solve.h"
#include "learn/temperature.h"

namespace ctt::learn {

// Fewer rows cannot tell the heads apart.
inline constexpr std::int64_t kFittedRowsMin = 60;
// How far a pool must gain on A (compare.h).
inline constexpr double kPoolGain = 0.7;

struct PoolChoice {
  HeadKind kind;  // By the parts that have a weight.
  double rho = 0, set_quantile = 1;
  double log_loss = 1e300, accuracy = 0;    // Held out.
  std::vector<Tally> tallies;               // [C], held out.
  std::vector<std::int64_t> set_quantiles;  // As Rates keeps them.
  Pool pool;
};

// nullopt: the task is too small, A answers as well, or cancelled. `discriminant` holds A's
// choices, `scatter` is of their block. Appends to `candidates`.
std::optional<PoolChoice> ChoosePool(const Statistics& statistics, const RowOrder& order,
                                     const Scatter& scatter, const Settings& discriminant,
                                     const SettleOptions& options,
                                     const std::atomic<bool>* cancelled,
                                     std::vector<Candidate>& candidates);

}  // namespace ctt::learn
