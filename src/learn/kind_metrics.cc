#include "learn/kind_metrics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "learn/logarithm.h"
#include "learn/reliability.h"

namespace ctt::learn {
namespace {

constexpr double kProbabilityFloor = 1e-15;

struct Counts {
  std::int64_t support = 0, predicted = 0, right = 0;
};

double Share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

double F1(const Counts& counts) {
  return Share(2 * counts.right, counts.support + counts.predicted);
}

// Decisions of all rows, label by label.
class Decisions {
 public:
  // Whether all decisions of the row were right. `probabilities`: of every label, head's or not.
  bool AddRow(const std::set<std::string_view>& truth,
              const std::map<std::string_view, double>& probabilities, double threshold) {
    bool all_right = true;
    for (const auto& [label, probability] : probabilities) {
      const bool holds = truth.contains(label), says = probability >= threshold;
      Counts& counts = counts_[label];
      counts.support += holds;
      counts.predicted += says;
      counts.right += holds && says;
      wrong_ += holds != says;
      all_right = all_right && holds == says;
      ++total_;
      loss_ -= Log(std::max(holds ? probability : 1 - probability, kProbabilityFloor));
      reliability_.Add(probability, holds);
    }
    return all_right;
  }

  void Report(LabelwiseMetrics& metrics) const {
    Counts all;
    std::int64_t supported = 0;
    for (const auto& [label, counts] : counts_) {
      metrics.labels.push_back({std::string(label), counts.support,
                                Share(counts.right, counts.predicted),
                                Share(counts.right, counts.support), F1(counts)});
      all.support += counts.support;
      all.predicted += counts.predicted;
      all.right += counts.right;
      if (counts.support == 0) continue;
      ++supported;
      metrics.macro_f1 += F1(counts);
    }
    if (supported > 0) metrics.macro_f1 /= static_cast<double>(supported);
    metrics.micro_precision = Share(all.right, all.predicted);
    metrics.micro_recall = Share(all.right, all.support);
    metrics.micro_f1 = F1(all);
    metrics.reliability = reliability_.Bins();
    if (total_ == 0) return;
    metrics.hamming_loss = Share(wrong_, total_);
    metrics.log_loss = loss_ / static_cast<double>(total_);
    metrics.ece = reliability_.Error(total_);
  }

 private:
  std::map<std::string_view, Counts> counts_;
  std::int64_t wrong_ = 0, total_ = 0;
  double loss_ = 0;
  Reliability reliability_;
};

std::vector<double> Ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && values[order[last]] == values[order[first]]) ++last;
    for (std::size_t i = first; i < last; ++i)
      ranks[order[i]] = static_cast<double>(first + last - 1) / 2;
  }
  return ranks;
}

double MeanOf(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

LabelwiseMetrics EvaluateLabels(std::span<const JudgedLabels> rows,
                                std::span<const Prediction> others,
                                std::span<const std::string> labels, double threshold) {
  LabelwiseMetrics metrics;
  metrics.n = static_cast<std::int64_t>(rows.size());
  if (rows.empty()) return metrics;
  std::map<std::string_view, double> probabilities;
  for (const JudgedLabels& row : rows)
    for (const std::string& label : row.truth) probabilities[label] = 0;
  Decisions decisions;
  std::int64_t in_scope = 0, right_and_kept = 0;
  std::vector<double> scope_scores;
  for (const JudgedLabels& row : rows) {
    for (const LabelProbability& answer : row.prediction.ranked)
      probabilities[labels[answer.label]] = answer.probability;
    const std::set<std::string_view> truth(row.truth.begin(), row.truth.end());
    const bool right = decisions.AddRow(truth, probabilities, threshold);
    metrics.right += right;
    in_scope += row.prediction.in_scope;
    right_and_kept += right && row.prediction.in_scope;
    scope_scores.push_back(row.prediction.scope_score);
  }
  metrics.subset_accuracy = Share(metrics.right, metrics.n);
  const Interval interval = WilsonInterval(metrics.right, metrics.n);
  metrics.subset_accuracy_low = interval.low;
  metrics.subset_accuracy_high = interval.high;
  metrics.in_scope_rate = Share(in_scope, metrics.n);
  decisions.Report(metrics);
  if (!others.empty()) metrics.scope = JudgeScope(std::move(scope_scores), right_and_kept, others);
  return metrics;
}

NumberMetrics EvaluateNumbers(std::span<const JudgedNumber> rows,
                              std::span<const Prediction> others, std::optional<double> half) {
  NumberMetrics metrics;
  metrics.n = static_cast<std::int64_t>(rows.size());
  if (rows.empty()) return metrics;
  std::vector<double> truths, answers, scope_scores;
  double squares = 0;
  std::int64_t covered = 0, in_scope = 0, right_and_kept = 0;
  for (const JudgedNumber& row : rows) {
    const double error = std::fabs(row.prediction.number - row.truth);
    const bool holds = half && error <= *half;
    truths.push_back(row.truth);
    answers.push_back(row.prediction.number);
    scope_scores.push_back(row.prediction.scope_score);
    metrics.mae += error;
    squares += error * error;
    covered += holds;
    in_scope += row.prediction.in_scope;
    right_and_kept += holds && row.prediction.in_scope;
  }
  const auto n = static_cast<double>(metrics.n);
  metrics.mae /= n;
  metrics.rmse = std::sqrt(squares / n);
  const double mean = MeanOf(truths);
  double spread = 0;
  for (const double truth : truths) spread += (truth - mean) * (truth - mean);
  if (spread > 0) metrics.r2 = 1 - squares / spread;
  metrics.pearson = Pearson(truths, answers);
  metrics.spearman = Spearman(truths, answers);
  metrics.interval_half = half;
  if (half) metrics.interval_coverage = Share(covered, metrics.n);
  metrics.in_scope_rate = Share(in_scope, metrics.n);
  if (!others.empty()) metrics.scope = JudgeScope(std::move(scope_scores), right_and_kept, others);
  return metrics;
}

std::optional<double> Pearson(std::span<const double> a, std::span<const double> b) {
  if (a.empty()) return std::nullopt;
  const double mean_a = MeanOf(a), mean_b = MeanOf(b);
  double both = 0, square_a = 0, square_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    both += (a[i] - mean_a) * (b[i] - mean_b);
    square_a += (a[i] - mean_a) * (a[i] - mean_a);
    square_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  if (square_a <= 0 || square_b <= 0) return std::nullopt;
  return both / (std::sqrt(square_a) * std::sqrt(square_b));
}

std::optional<double> Spearman(std::span<const double> a, std::span<const double> b) {
  return Pearson(Ranks(a), Ranks(b));
}

}  // namespace ctt::learn
