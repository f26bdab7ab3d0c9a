#include "service/answerer.h"

#include <algorithm>
#include <utility>

namespace ctt::service {
namespace {

// The default rate is the head's own; another one needs the rates.
double ThresholdOf(const learn::Head& head, const learn::Rates* rates,
                   const TaskSettings& settings) {
  if (head.parts().scope_norms.empty()) return -1e300;  // One label: no scope to leave.
  if (settings.out_of_scope_rate == TaskSettings().out_of_scope_rate)
    return head.settings().scope_threshold;
  return rates == nullptr ? -1e300 : rates->ScopeThreshold(settings.out_of_scope_rate);
}

}  // namespace

Answerer::Answerer(std::shared_ptr<const learn::Head> head,
                   std::shared_ptr<const learn::Rates> rates, const TaskSettings& settings)
    : head_(std::move(head)),
      rates_(std::move(rates)),
      scope_threshold_(ThresholdOf(*head_, rates_.get(), settings)) {}

text::NGrams Answerer::NGramsFor(std::string_view text) const {
  return head_->weighs_words() ? text::HashedNGrams(text) : text::NGrams();
}

learn::Prediction Answerer::Predict(std::span<const std::int8_t> phi,
                                    const text::NGrams& ngrams) const {
  learn::Prediction prediction = head_->Predict(phi, ngrams);
  prediction.in_scope = prediction.scope_score >= scope_threshold_;
  return prediction;
}

TextAnswer Answerer::Answer(std::span<const std::int8_t> phi, const text::NGrams& ngrams,
                            const PredictOptions& options) const {
  const learn::Prediction prediction = Predict(phi, ngrams);
  TextAnswer answer;
  const std::size_t count =
      std::min<std::size_t>(prediction.ranked.size(), static_cast<std::size_t>(options.top_k));
  for (std::size_t i = 0; i < count; ++i) {
    const learn::LabelProbability& row = prediction.ranked[i];
    answer.ranked.push_back({head_->labels()[row.label], row.probability});
  }
  answer.scope_score = prediction.scope_score;
  answer.in_scope = prediction.in_scope;
  answer.margin = prediction.margin;
  if (!options.error_rate) return answer;
  answer.set.emplace();
  for (const std::int32_t label : SetOf(prediction, *options.error_rate))
    answer.set->push_back(head_->labels()[label]);
  return answer;
}

double Answerer::Probability(std::span<const std::int8_t> phi, const text::NGrams& ngrams,
                             const std::string& label) const {
  for (const learn::LabelProbability& row : head_->Predict(phi, ngrams).ranked)
    if (head_->labels()[row.label] == label) return row.probability;
  return 0;
}

std::vector<std::int32_t> Answerer::SetOf(const learn::Prediction& prediction,
                                          double error_rate) const {
  const double quantile =
      rates_ == nullptr ? 1 : rates_->SetQuantile(head_->settings().kind, error_rate);
  std::vector<std::int32_t> set;
  for (const learn::LabelProbability& row : prediction.ranked)
    if (set.empty() || 1 - row.probability <= quantile) set.push_back(row.label);
  return set;
}

}  // namespace ctt::service
