#include "learn/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "learn/logarithm.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kBins = 15;
constexpr double kProbabilityFloor = 1e-15;

struct Counts {
  std::int64_t support = 0, predicted = 0, right = 0;
};

ClassMetrics Ratios(const std::string& label, const Counts& counts) {
  const auto share = [](std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  return {label, counts.support, share(counts.right, counts.predicted),
          share(counts.right, counts.support),
          share(2 * counts.right, counts.support + counts.predicted)};
}

double ProbabilityOf(const Judged& row, std::span<const std::string> labels) {
  const auto at = std::lower_bound(labels.begin(), labels.end(), row.truth);
  if (at == labels.end() || *at != row.truth) return 0;
  for (const LabelProbability& entry : row.prediction.ranked)
    if (entry.label == at - labels.begin()) return entry.probability;
  return 0;
}

// Confidence against accuracy, bin by bin of the top probability.
class Reliability {
 public:
  void Add(double confidence, bool right) {
    const auto bin = std::min(static_cast<std::size_t>(confidence * kBins), kBins - 1);
    confidence_[bin] += confidence;
    right_[bin] += right ? 1 : 0;
  }
  double Error(std::int64_t n) const {
    double gap = 0;
    for (std::size_t bin = 0; bin < kBins; ++bin) gap += std::fabs(confidence_[bin] - right_[bin]);
    return gap / static_cast<double>(n);
  }

 private:
  std::array<double, kBins> confidence_{}, right_{};
};

}  // namespace

Metrics Evaluate(std::span<const Judged> rows, std::span<const std::string> labels) {
  Metrics metrics;
  metrics.n = static_cast<std::int64_t>(rows.size());
  if (rows.empty()) return metrics;
  std::map<std::string, Counts> counts;
  Reliability reliability;
  std::int64_t right = 0, in_scope = 0;
  for (const Judged& row : rows) {
    const LabelProbability& top = row.prediction.ranked.front();
    const std::string& answer = labels[top.label];
    const bool is_right = answer == row.truth;
    ++counts[row.truth].support;
    ++counts[answer].predicted;
    if (is_right) ++counts[answer].right, ++right;
    if (row.prediction.in_scope) ++in_scope;
    metrics.log_loss -= Log(std::max(ProbabilityOf(row, labels), kProbabilityFloor));
    reliability.Add(top.probability, is_right);
  }
  const auto n = static_cast<double>(metrics.n);
  metrics.accuracy = static_cast<double>(right) / n;
  metrics.in_scope_rate = static_cast<double>(in_scope) / n;
  metrics.log_loss /= n;
  metrics.ece = reliability.Error(metrics.n);
  std::int64_t supported = 0;
  for (const auto& [label, count] : counts) {
    metrics.classes.push_back(Ratios(label, count));
    if (count.support == 0) continue;
    ++supported;
    metrics.macro_f1 += metrics.classes.back().f1;
    metrics.weighted_f1 += metrics.classes.back().f1 * static_cast<double>(count.support) / n;
  }
  metrics.macro_f1 /= static_cast<double>(supported);
  return metrics;
}

}  // namespace ctt::learn
