#pragma once
// The choices of heads B, C and lexical: each one's rho and temperature by log-loss on rows held
// out, and which of them answers instead of A, with A's own choices fitted to the same rows. (A's
// leave-one-out loss would be no fair rival: it has seen a fifth more, which decides at 5 to 10
// rows a label.) Threads: pure.
#include <atomic>
#include <optional>
#include <vector>

#include "learn/logistic.h"
#include "learn/row_order.h"
#include "learn/solve.h"
#include "learn/temperature.h"

namespace ctt::learn {

// Fewer rows cannot tell the heads apart.
inline constexpr std::int64_t kFittedRowsMin = 60;
// How far a richer head must gain on a simpler one (compare.h).
inline constexpr double kRicherGain = 0.7;

struct LogisticChoice {
  HeadKind kind = HeadKind::kLogistic;
  double rho = 0, temperature = 1, set_quantile = 1;
  double log_loss = 1e300, accuracy = 0;    // Held out.
  std::vector<Tally> tallies;               // [C], held out.
  std::vector<std::int64_t> set_quantiles;  // As Rates keeps them.
  LogisticWeights model;                    // Fitted to all rows.
  Lexicon lexicon;                          // Of all rows; empty for head B.
};

// nullopt: the task is too small, A answers as well, or cancelled. `discriminant` holds A's
// choices, `scatter` is of their block. Appends to `candidates`.
std::optional<LogisticChoice> ChooseLogistic(const Statistics& statistics, const RowOrder& order,
                                             const Scatter& scatter, const Settings& discriminant,
                                             const SettleOptions& options,
                                             const std::atomic<bool>* cancelled,
                                             std::vector<Candidate>& candidates);

}  // namespace ctt::learn
