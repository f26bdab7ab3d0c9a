#pragma once
// The choices of head B: rho and the temperature by log-loss on rows held out, and whether B
// answers better than A does when A, with its own choices, is fitted to the same rows. (A's
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

// Below these B is within the noise of A (METHOD, section 1; multidogo gains from 11 labels on).
inline constexpr std::int64_t kLogisticLabelsMin = 10;
inline constexpr std::int64_t kLogisticRowsMin = 200;

struct LogisticChoice {
  double rho = 0, temperature = 1, set_quantile = 1;
  double log_loss = 1e300, accuracy = 0;  // Held out.
  std::vector<Tally> tallies;             // [C], held out.
  LogisticWeights model;                  // Fitted to all rows.
};

// nullopt: the task is too small, A answers better, or cancelled. `discriminant` holds A's choices,
// `scatter` is of their block. Appends to `candidates`.
std::optional<LogisticChoice> ChooseLogistic(const Statistics& statistics, const RowOrder& order,
                                             const Scatter& scatter, const Settings& discriminant,
                                             const SettleOptions& options,
                                             const std::atomic<bool>* cancelled,
                                             std::vector<Candidate>& candidates);

}  // namespace ctt::learn
