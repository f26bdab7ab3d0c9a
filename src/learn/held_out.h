#pragma once
// Rows held out by content hash, and what heads fitted to the other rows say about them: how head
// B's ridge is chosen, and what A, B and the words weigh together. A task of more than 3,000 rows
// holds out one fifth (at most 4,096 rows); a smaller one is cut into five folds, each held out
// once. At most 4,608 rows are fitted: with more, probabilities were calibrated a little better
// (0115). Threads: pure.
#include <atomic>
#include <optional>
#include <vector>

#include "learn/logistic.h"
#include "learn/row_order.h"
#include "learn/temperature.h"

namespace ctt::learn {

// Both parts in content order. Held-out rows whose label has no fitted row are dropped: nothing
// could answer them.
struct Split {
  std::vector<Row> fitted, held_out;
};
std::vector<Split> SplitsOf(const std::vector<Row>& rows, std::int64_t class_count);

// The statistics of some rows; a label is the class's number in the whole task.
Statistics StatisticsOf(std::int32_t feature_dim, const std::vector<Row>& rows);

// Distances (-2 scores for head B) of the held-out rows of all splits, side by side.
class HeldOut {
 public:
  HeldOut(const std::vector<Split>& splits, std::int64_t class_count);

  // distance(c, i) of the next `count` rows.
  template <typename Distance>
  void Append(std::size_t count, Distance distance) {
    for (std::int64_t c = 0; c < class_count_; ++c)
      for (std::size_t i = 0; i < count; ++i)
        distances_[c * padded_ + filled_ + static_cast<std::int64_t>(i)] = distance(c, i);
    filled_ += static_cast<std::int64_t>(count);
  }
  Unseen View(const std::vector<double>& log_prior) const {
    return {class_count_, distances_, labels_, log_prior};
  }

 private:
  std::int64_t class_count_, padded_ = 0, filled_ = 0;
  std::vector<double> distances_;  // [C, padded]
  std::vector<std::int32_t> labels_;
};

// Head A of each split's fitted rows, with the given settings; distances times the number of fitted
// rows, so that their beta is a Settings::temperature, whatever a split fits. nullopt: a scatter
// that cannot be factored.
std::optional<HeldOut> HoldOutDiscriminant(std::int32_t feature_dim,
                                           const std::vector<Split>& splits,
                                           std::int64_t class_count, const Settings& settings);

// The terms of a split's rows under the lexicon of its fitted rows.
struct SplitTerms {
  FittedTerms fitted;
  RowTerms held_out;
};
std::vector<SplitTerms> TermsOf(const std::vector<Split>& splits, std::int64_t class_count);

// Head B of each split's fitted rows; and the words alone, terms one for each split.
HeldOut HoldOutLogistic(const Logistic& logistic, const std::vector<Split>& splits,
                        std::int64_t class_count, const Logistic::Bound& bound, int threads,
                        const std::atomic<bool>* cancelled);
HeldOut HoldOutWords(const Logistic& logistic, const std::vector<Split>& splits,
                     const std::vector<SplitTerms>& terms, std::int64_t class_count, int threads,
                     const std::atomic<bool>* cancelled);

}  // namespace ctt::learn
