#include "learn/prior_shift.h"

#include <algorithm>
#include <cmath>

namespace ctt::learn {
namespace {

constexpr int kRoundsMax = 1000;
constexpr double kStays = 1e-9;  // Largest move of a share.

// Adds the p' of one text to `sums`.
void AddPosterior(const Prediction& prediction, std::span<const double> ratios,
                  std::vector<double>& sums) {
  double total = 0;
  for (const LabelProbability& row : prediction.ranked)
    total += row.probability * ratios[row.label];
  for (const LabelProbability& row : prediction.ranked)
    sums[row.label] += row.probability * ratios[row.label] / total;
}

std::vector<double> Ratios(std::span<const double> shares, std::span<const double> assumed) {
  std::vector<double> ratios;
  for (std::size_t c = 0; c < shares.size(); ++c) ratios.push_back(shares[c] / assumed[c]);
  return ratios;
}

}  // namespace

std::vector<double> EstimateShares(std::span<const Prediction> predictions,
                                   std::span<const double> assumed) {
  const auto classes = static_cast<double>(assumed.size());
  const auto kept = static_cast<double>(
      std::count_if(predictions.begin(), predictions.end(),
                    [](const Prediction& prediction) { return prediction.in_scope; }));
  std::vector<double> shares(assumed.begin(), assumed.end());
  if (kept == 0) return shares;
  for (int round = 0; round < kRoundsMax; ++round) {
    const std::vector<double> ratios = Ratios(shares, assumed);
    std::vector<double> sums(assumed.size());
    for (const Prediction& prediction : predictions)
      if (prediction.in_scope) AddPosterior(prediction, ratios, sums);
    double moved = 0;
    for (std::size_t c = 0; c < shares.size(); ++c) {
      const double next = (classes * assumed[c] + sums[c]) / (classes + kept);
      moved = std::max(moved, std::fabs(next - shares[c]));
      shares[c] = next;
    }
    if (moved <= kStays) break;
  }
  return shares;
}

void ApplyShares(std::span<const double> shares, std::span<const double> assumed,
                 Prediction& prediction) {
  std::vector<double> sums(shares.size());
  AddPosterior(prediction, Ratios(shares, assumed), sums);
  for (LabelProbability& row : prediction.ranked) row.probability = sums[row.label];
  std::sort(prediction.ranked.begin(), prediction.ranked.end(),
            [](const LabelProbability& a, const LabelProbability& b) {
              if (a.probability != b.probability) return a.probability > b.probability;
              return a.label < b.label;
            });
  prediction.margin = prediction.ranked.size() < 2
                          ? 1.0
                          : prediction.ranked[0].probability - prediction.ranked[1].probability;
}

}  // namespace ctt::learn
