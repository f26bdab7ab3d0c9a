#pragma once
// The choices of head B: rho and the temperature by log-loss on rows held out by content hash, and
// whether B answers better than A on those same rows. Threads: pure.
#include <atomic>
#include <optional>
#include <vector>

#include "learn/choose_discriminant.h"
#include "learn/logistic.h"

namespace ctt::learn {

struct LogisticChoice {
  double rho = 0, temperature = 1, set_quantile = 1;
  double log_loss = 0, accuracy = 0;  // Held out.
  double discriminant_log_loss = 0;   // Of A, left out, on the same rows.
  LogisticWeights model;              // Fitted to all rows.
};

// nullopt: the task is too small for B (fewer than kLogisticLabelsMin labels or kLogisticRowsMin
// rows), A answers better, or cancelled.
inline constexpr std::int64_t kLogisticLabelsMin = 10;
inline constexpr std::int64_t kLogisticRowsMin = 200;
std::optional<LogisticChoice> ChooseLogistic(const Scatter& scatter, Columns columns, Block block,
                                             const std::vector<Row>& rows,
                                             const DiscriminantChoice& discriminant,
                                             const SettleOptions& options,
                                             const std::atomic<bool>* cancelled,
                                             std::vector<Candidate>& candidates);

}  // namespace ctt::learn
