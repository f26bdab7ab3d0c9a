#include "service/prior_shift.h"

#include <algorithm>

#include "learn/prior_shift.h"

namespace ctt::service {
namespace {

learn::Prediction PredictionOf(const TextAnswer& answer, std::span<const std::string> labels) {
  learn::Prediction prediction;
  prediction.in_scope = answer.in_scope;
  for (const LabelScore& row : answer.ranked) {
    const auto at = std::lower_bound(labels.begin(), labels.end(), row.label);
    prediction.ranked.push_back({static_cast<std::int32_t>(at - labels.begin()), row.probability});
  }
  return prediction;
}

}  // namespace

std::vector<double> AssumedShares(std::span<const std::string> labels, const LabelCounts& examples,
                                  learn::Prior prior) {
  std::vector<double> shares;
  double sum = 0;
  for (const std::string& label : labels) {
    const auto found = examples.find(label);
    const bool counts = prior == learn::Prior::kEmpirical && found != examples.end();
    shares.push_back(counts ? static_cast<double>(std::max<std::int64_t>(found->second, 1)) : 1);
    sum += shares.back();
  }
  for (double& share : shares) share /= sum;
  return shares;
}

std::vector<LabelScore> AdjustPrior(const LabelCounts& examples, learn::Prior prior,
                                    std::int32_t top_k, std::vector<TextAnswer>& texts) {
  if (texts.empty()) return {};
  std::vector<std::string> labels;
  for (const LabelScore& row : texts.front().ranked) labels.push_back(row.label);
  std::sort(labels.begin(), labels.end());
  std::vector<learn::Prediction> predictions;
  for (const TextAnswer& text : texts) predictions.push_back(PredictionOf(text, labels));
  const std::vector<double> assumed = AssumedShares(labels, examples, prior);
  const std::vector<double> shares = learn::EstimateShares(predictions, assumed);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    learn::ApplyShares(shares, assumed, predictions[i]);
    texts[i].margin = predictions[i].margin;
    texts[i].ranked.clear();
    for (const learn::LabelProbability& row : predictions[i].ranked)
      if (std::ssize(texts[i].ranked) < top_k)
        texts[i].ranked.push_back({labels[row.label], row.probability});
  }
  std::vector<LabelScore> found;
  for (std::size_t c = 0; c < labels.size(); ++c) found.push_back({labels[c], shares[c]});
  return found;
}

}  // namespace ctt::service
