#include "learn/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "learn/logarithm.h"
#include "learn/reliability.h"

namespace ctt::learn {
namespace {

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

class LabelCounts {
 public:
  void Add(const std::string& truth, const std::string& answer) {
    ++counts_[truth].support;
    ++counts_[answer].predicted;
    if (truth == answer)
      ++counts_[answer].right;
    else
      ++confused_[{truth, answer}];
  }
  void Report(Metrics& metrics) const {
    std::int64_t supported = 0;
    for (const auto& [label, count] : counts_) {
      metrics.classes.push_back(Ratios(label, count));
      if (count.support == 0) continue;
      ++supported;
      metrics.macro_f1 += metrics.classes.back().f1;
      metrics.weighted_f1 += metrics.classes.back().f1 * static_cast<double>(count.support) /
                             static_cast<double>(metrics.n);
    }
    metrics.macro_f1 /= static_cast<double>(supported);
    for (const auto& [pair, count] : confused_)
      metrics.confusion.push_back({pair.first, pair.second, count});
    std::stable_sort(metrics.confusion.begin(), metrics.confusion.end(),
                     [](const Confusion& a, const Confusion& b) { return a.count > b.count; });
  }

 private:
  std::map<std::string, Counts> counts_;
  std::map<std::pair<std::string, std::string>, std::int64_t> confused_;
};

// Scores of both kinds, ascending; P(kept > other) + P(equal) / 2.
double Auroc(const std::vector<double>& kept, const std::vector<double>& others) {
  double wins = 0;
  for (const double score : kept) {
    const auto [first, last] = std::equal_range(others.begin(), others.end(), score);
    wins += static_cast<double>(first - others.begin()) + static_cast<double>(last - first) / 2;
  }
  return wins / (static_cast<double>(kept.size()) * static_cast<double>(others.size()));
}

bool Holds(const Judged& row, std::span<const std::string> labels) {
  return std::any_of(row.set.begin(), row.set.end(),
                     [&](std::int32_t label) { return labels[label] == row.truth; });
}

}  // namespace

ScopeMetrics JudgeScope(std::vector<double> kept, std::int64_t right_and_kept,
                        std::span<const Prediction> others) {
  ScopeMetrics scope;
  scope.n = static_cast<std::int64_t>(others.size());
  std::vector<double> foreign;
  for (const Prediction& other : others) {
    foreign.push_back(other.scope_score);
    scope.recall += other.in_scope ? 0 : 1;
  }
  std::sort(kept.begin(), kept.end());
  std::sort(foreign.begin(), foreign.end());
  scope.auroc = Auroc(kept, foreign);
  const double threshold = kept[kept.size() / 20];  // At least 95 % lie at or above it.
  const auto passed = foreign.end() - std::lower_bound(foreign.begin(), foreign.end(), threshold);
  scope.fpr95 = static_cast<double>(passed) / static_cast<double>(foreign.size());
  scope.recall /= static_cast<double>(foreign.size());
  scope.right_and_kept = static_cast<double>(right_and_kept) / static_cast<double>(kept.size());
  return scope;
}

Interval WilsonInterval(std::int64_t right, std::int64_t n) {
  if (n == 0) return {};
  constexpr double kZ2 = 1.96 * 1.96;
  const auto count = static_cast<double>(n);
  const double share = static_cast<double>(right) / count;
  const double middle = (share + kZ2 / (2 * count)) / (1 + kZ2 / count);
  const double half = std::sqrt(kZ2 * (share * (1 - share) / count + kZ2 / (4 * count * count))) /
                      (1 + kZ2 / count);
  return {std::max(middle - half, 0.0), std::min(middle + half, 1.0)};
}

Metrics Evaluate(std::span<const Judged> rows, std::span<const Prediction> others,
                 std::span<const std::string> labels) {
  Metrics metrics;
  metrics.n = static_cast<std::int64_t>(rows.size());
  if (rows.empty()) return metrics;
  LabelCounts counts;
  Reliability reliability;
  std::int64_t in_scope = 0, right_and_kept = 0, covered = 0, set_labels = 0;
  std::vector<double> scope_scores;
  for (const Judged& row : rows) {
    const LabelProbability& top = row.prediction.ranked.front();
    const std::string& answer = labels[top.label];
    const bool is_right = answer == row.truth;
    counts.Add(row.truth, answer);
    if (is_right) ++metrics.right;
    if (row.prediction.in_scope) ++in_scope;
    if (row.prediction.in_scope && is_right) ++right_and_kept;
    scope_scores.push_back(row.prediction.scope_score);
    if (Holds(row, labels)) ++covered;
    set_labels += std::ssize(row.set);
    metrics.log_loss -= Log(std::max(ProbabilityOf(row, labels), kProbabilityFloor));
    reliability.Add(top.probability, is_right);
  }
  const auto n = static_cast<double>(metrics.n);
  metrics.accuracy = static_cast<double>(metrics.right) / n;
  const Interval interval = WilsonInterval(metrics.right, metrics.n);
  metrics.accuracy_low = interval.low;
  metrics.accuracy_high = interval.high;
  metrics.in_scope_rate = static_cast<double>(in_scope) / n;
  metrics.set_coverage = static_cast<double>(covered) / n;
  metrics.set_size = static_cast<double>(set_labels) / n;
  metrics.log_loss /= n;
  metrics.ece = reliability.Error(metrics.n);
  metrics.reliability = reliability.Bins();
  counts.Report(metrics);
  if (!others.empty()) metrics.scope = JudgeScope(std::move(scope_scores), right_and_kept, others);
  return metrics;
}

}  // namespace ctt::learn
