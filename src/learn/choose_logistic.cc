#include "learn/choose_logistic.h"

#include <algorithm>
#include <array>
#include <map>

#include "learn/temperature.h"

namespace ctt::learn {
namespace {

constexpr std::array<double, 4> kRhos = {0.003, 0.01, 0.03, 0.1};
constexpr int kFirstTried = 1;
constexpr std::size_t kFolds = 5;
constexpr std::size_t kFoldedRowsMax = 3000;  // Above, one held-out fifth is enough.
constexpr std::size_t kHeldOutMax = 4096;     // They stay inside the sample that A was judged on.

struct Split {
  std::vector<Row> fitted, held_out;
};

// Held-out rows whose label has no fitted row are left out: nothing could answer them.
void DropUnanswerable(std::size_t classes, Split& split) {
  std::vector<bool> seen(classes);
  for (const Row& row : split.fitted) seen[row.label] = true;
  std::erase_if(split.held_out, [&](const Row& row) { return !seen[row.label]; });
}

std::vector<Split> SplitsOf(const std::vector<Row>& rows, std::size_t classes) {
  std::vector<Split> splits;
  if (rows.size() > kFoldedRowsMax) {
    Split split;
    split.held_out = LeastHashed(rows, std::min(rows.size() / kFolds, kHeldOutMax));
    auto next = split.held_out.begin();
    for (const Row& row : rows)
      if (next != split.held_out.end() && next->phi == row.phi)
        ++next;
      else
        split.fitted.push_back(row);
    splits.push_back(std::move(split));
  } else {
    splits.resize(kFolds);
    for (const Row& row : rows)
      for (std::size_t fold = 0; fold < kFolds; ++fold)
        (row.hash % kFolds == fold ? splits[fold].held_out : splits[fold].fitted).push_back(row);
  }
  for (Split& split : splits) DropUnanswerable(classes, split);
  std::erase_if(splits, [](const Split& split) { return split.held_out.empty(); });
  return splits;
}

// Held-out scores of all splits side by side, as FitTemperature wants them.
struct HeldOut {
  std::vector<double> distances;  // [C, padded]: -2 score
  std::vector<std::int32_t> labels;
  std::vector<const std::int8_t*> phi;
};

HeldOut ScoreHeldOut(const Logistic& logistic, const std::vector<Split>& splits,
                     std::int64_t classes, const Logistic::Bound& bound,
                     const std::atomic<bool>* cancelled) {
  HeldOut result;
  for (const Split& split : splits)
    for (const Row& row : split.held_out) {
      result.labels.push_back(row.label);
      result.phi.push_back(row.phi);
    }
  const std::int64_t padded = PaddedRows(static_cast<std::int64_t>(result.labels.size()));
  result.distances.resize(classes * padded);
  std::int64_t first = 0;
  for (const Split& split : splits) {
    const std::vector<float> scores =
        logistic.Scores(logistic.Fit(split.fitted, bound, cancelled), split.held_out);
    const auto count = static_cast<std::int64_t>(split.held_out.size());
    for (std::int64_t c = 0; c < classes; ++c)
      for (std::int64_t i = 0; i < count; ++i)
        result.distances[c * padded + first + i] = -2.0 * scores[c * PaddedRows(count) + i];
    first += count;
  }
  return result;
}

double MeanLossOn(const std::vector<const std::int8_t*>& phi,
                  const DiscriminantChoice& discriminant, const std::vector<double>& losses,
                  double& others) {
  std::map<const std::int8_t*, double> known;
  for (std::size_t i = 0; i < discriminant.phi.size(); ++i)
    known[discriminant.phi[i]] = discriminant.losses[i];
  double sum = 0;
  others = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < phi.size(); ++i)
    if (const auto at = known.find(phi[i]); at != known.end()) {
      sum += at->second;
      others += losses[i];
      ++count;
    }
  others /= static_cast<double>(std::max<std::int64_t>(count, 1));
  return sum / static_cast<double>(std::max<std::int64_t>(count, 1));
}

}  // namespace

std::optional<LogisticChoice> ChooseLogistic(const Scatter& scatter, Columns columns, Block block,
                                             const std::vector<Row>& rows,
                                             const DiscriminantChoice& discriminant,
                                             const SettleOptions& options,
                                             const std::atomic<bool>* cancelled,
                                             std::vector<Candidate>& candidates) {
  const std::int64_t classes = scatter.class_count;
  if (classes < kLogisticLabelsMin || static_cast<std::int64_t>(rows.size()) < kLogisticRowsMin)
    return std::nullopt;
  const std::vector<Split> splits = SplitsOf(rows, static_cast<std::size_t>(classes));
  if (splits.empty()) return std::nullopt;
  const Logistic logistic(scatter, columns);
  const std::vector<double> no_prior(classes);
  LogisticChoice best;
  best.log_loss = 1e300;
  Logistic::Bound best_bound;
  const auto is_cancelled = [&] {
    return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
  };
  const auto better = [&](int at) {
    if (is_cancelled()) return false;
    Logistic::Bound bound = logistic.BoundFor(kRhos[at]);
    const HeldOut held_out = ScoreHeldOut(logistic, splits, classes, bound, cancelled);
    const Unseen unseen{classes, held_out.distances, held_out.labels, no_prior};
    const Fit fit = FitTemperature(unseen);
    candidates.push_back({HeadKind::kLogistic, block, kRhos[at], fit.log_loss, fit.accuracy});
    if (fit.log_loss >= best.log_loss) return false;
    best.rho = kRhos[at];
    best.temperature = fit.beta;
    best.log_loss = fit.log_loss;
    best.accuracy = fit.accuracy;
    RowScores scores = ScoreRows(unseen, fit.beta);
    double logistic_loss = 0;
    best.discriminant_log_loss =
        MeanLossOn(held_out.phi, discriminant, scores.loss, logistic_loss) - logistic_loss +
        fit.log_loss;
    best.set_quantile = SetQuantile(std::move(scores.misfit), options.set_error_rate);
    best_bound = std::move(bound);
    return true;
  };
  better(kFirstTried);
  for (int at = kFirstTried - 1; at >= 0 && better(at);) --at;
  for (int at = kFirstTried + 1; at < static_cast<int>(kRhos.size()) && better(at);) ++at;
  if (is_cancelled() || best.log_loss >= best.discriminant_log_loss) return std::nullopt;
  best.model = logistic.Fit(rows, best_bound, cancelled);
  return best;
}

}  // namespace ctt::learn
