#include "service/answerer.h"

#include <algorithm>
#include <utility>

namespace ctt::service {
namespace {

// The default rate is the head's own; another one needs the rates.
double ThresholdOf(const learn::Head& head, const learn::Rates* rates,
                   const TaskSettings& settings) {
  const bool has_scope = !head.parts().scope_norms.empty() || !head.parts().scope_factor.empty();
  if (!has_scope) return -1e300;  // One label: no scope to leave.
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
  if (kind() == learn::TaskKind::kMulti) {
    answer.holds.emplace();
    for (const learn::LabelProbability& row : prediction.ranked)
      if (row.probability >= options.threshold.value_or(kHoldsThreshold))
        answer.holds->push_back(head_->labels()[row.label]);
    return answer;
  }
  if (kind() == learn::TaskKind::kRegression) {
    answer.number = prediction.number;
    const double error_rate = options.error_rate.value_or(kIntervalErrorRate);
    if (const auto half = IntervalHalf(error_rate); half)
      answer.interval = {*answer.number - *half, *answer.number + *half, error_rate};
    return answer;
  }
  if (!options.error_rate) return answer;
  answer.set.emplace();
  for (const std::int32_t label : SetOf(prediction, *options.error_rate))
    answer.set->push_back(head_->labels()[label]);
  return answer;
}

std::optional<double> Answerer::IntervalHalf(double error_rate) const {
  return rates_ == nullptr ? std::nullopt : rates_->IntervalHalf(error_rate);
}

Status Answerer::CheckOptions(const PredictOptions& options) const {
  if (options.threshold && kind() != learn::TaskKind::kMulti) {
    return {Code::kInvalidArgument, "not_for_this_kind",
            "'threshold' is for multi-label tasks; this one is of kind '" +
                std::string(TaskKindName(kind())) + "'"};
  }
  if (options.adjust_prior && kind() != learn::TaskKind::kSingle) {
    return {Code::kInvalidArgument, "not_for_this_kind",
            "'adjust_prior' is for single-label tasks; this one is of kind '" +
                std::string(TaskKindName(kind())) + "'"};
  }
  if (options.error_rate && kind() == learn::TaskKind::kMulti) {
    return {Code::kInvalidArgument, "not_for_this_kind",
            "'error_rate' asks for a set of labels of which one holds, or for an interval; the "
            "labels of a multi-label task are decided one by one (see 'threshold')"};
  }
  return Status::Ok();
}

bool Answerer::Agree(const TextAnswer& one, const TextAnswer& other) {
  if (one.number) return one.number == other.number;
  if (one.holds && other.holds)
    return std::is_permutation(one.holds->begin(), one.holds->end(), other.holds->begin(),
                               other.holds->end());
  return one.ranked.front().label == other.ranked.front().label;
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
