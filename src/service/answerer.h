#pragma once
// Answerer: one version of a task's head with what its user decided: features -> answer. Immutable
// and cheap to copy. Threads: share as const.
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "learn/head.h"
#include "learn/rates.h"
#include "service/types.h"
#include "text/ngrams.h"

namespace ctt::service {

class Answerer {
 public:
  // `rates` may be null: nothing is out of scope at another rate than the default, and a set holds
  // every label. REQUIRES: head is not null.
  Answerer(std::shared_ptr<const learn::Head> head, std::shared_ptr<const learn::Rates> rates,
           const TaskSettings& settings);

  const learn::Head& head() const { return *head_; }

  // What the head needs of a text beside its features; empty when that is nothing.
  text::NGrams NGramsFor(std::string_view text) const;

  // The head's, with the scope decided at the task's own rate. REQUIRES: phi [D]; the text's
  // NGramsFor, as below.
  learn::Prediction Predict(std::span<const std::int8_t> phi, const text::NGrams& ngrams) const;
  // The first options.top_k labels, and the set when options.error_rate is given.
  TextAnswer Answer(std::span<const std::int8_t> phi, const text::NGrams& ngrams,
                    const PredictOptions& options) const;
  learn::TaskKind kind() const { return learn::TaskKindOf(head_->settings().kind); }
  // kInvalidArgument ("not_for_this_kind"): an option that the kind of the task has not.
  Status CheckOptions(const PredictOptions& options) const;
  // The same first label, labels or number. REQUIRES: answers of one task.
  static bool Agree(const TextAnswer& one, const TextAnswer& other);
  // Of one label, by its name; 0 when the head does not know it.
  double Probability(std::span<const std::int8_t> phi, const text::NGrams& ngrams,
                     const std::string& label) const;
  // Of a regression head's interval; nullopt: too little was learned to tell.
  std::optional<double> IntervalHalf(double error_rate) const;
  // Label indices of the LAC set, by falling probability.
  std::vector<std::int32_t> SetOf(const learn::Prediction& prediction, double error_rate) const;

 private:
  std::shared_ptr<const learn::Head> head_;
  std::shared_ptr<const learn::Rates> rates_;
  double scope_threshold_;
};

}  // namespace ctt::service
