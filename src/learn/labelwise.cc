#include "learn/labelwise.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "kernels/algebra.h"
#include "learn/assemble.h"
#include "learn/choose_discriminant.h"
#include "learn/compare.h"
#include "learn/label_rows.h"
#include "learn/lambda_grid.h"
#include "learn/logarithm.h"
#include "learn/shared_scatter.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kRowsMax = 4096, kRowsMin = 256;
constexpr std::size_t kPairsMax = 1 << 21;  // Rows times labels: 32 MB of differences at most.
// A label with as many examples on either side has a temperature of its own.
constexpr double kOwnTemperatureMin = 20;

std::size_t SampleSize(std::int32_t labels) {
  return std::clamp(kPairsMax / static_cast<std::size_t>(std::max(labels, 1)), kRowsMin, kRowsMax);
}

double BetaOf(const Settings& settings, const std::string& label, double n) {
  const auto own = settings.label_temperatures.find(label);
  return (own == settings.label_temperatures.end() ? settings.temperature : own->second) * n;
}

bool HasOwn(const LabelShape& shape) {
  return shape.p >= kOwnTemperatureMin && shape.q >= kOwnTemperatureMin;
}

// What the labels say of the rows left out, under temperatures of their own or shared.
struct Judgement {
  std::vector<std::optional<double>> own;  // [C]: beta of labels that have one.
  double shared = 0;
  double log_loss = 0;             // Summed over labels, mean over rows.
  double accuracy = 0;             // Of whole rows.
  std::vector<double> row_losses;  // [R]; when asked for.
  std::vector<Tally> tallies;      // [C]: of the rows that hold the label.
};

// Collects label by label; what is summed over labels is summed at the end.
class Judge {
 public:
  Judge(std::int64_t rows, std::int64_t labels, bool by_row) : wrong_(rows) {
    judgement_.tallies.resize(labels);
    if (by_row) losses_of_row_.resize(rows);
  }

  void Add(std::int64_t label, const LabelView& view, double beta) {
    losses_.push_back(FitAt(view.unseen(), beta).log_loss);
    const double* differences = view.distances.data() + view.distances.size() / 2;
    Tally& tally = judgement_.tallies[label];
    for (std::size_t i = 0; i < view.labels.size(); ++i) {
      const bool says = std::fma(-0.5 * beta, differences[i], view.log_prior[1]) > 0;
      const bool holds = view.labels[i] == 1;
      if (says != holds) wrong_[view.position[i]] = true;
      if (holds) ++tally.rows;
      if (holds && says) ++tally.right;
    }
    if (losses_of_row_.empty()) return;
    const std::vector<double> losses = Losses(view.unseen(), beta);
    for (std::size_t i = 0; i < losses.size(); ++i)
      losses_of_row_[view.position[i]].push_back(losses[i]);
  }

  Judgement Take() && {
    judgement_.log_loss = SumInAnyOrder(losses_);
    const auto wrong = std::count(wrong_.begin(), wrong_.end(), true);
    judgement_.accuracy = 1 - static_cast<double>(wrong) / static_cast<double>(wrong_.size());
    for (std::vector<double>& losses : losses_of_row_)
      judgement_.row_losses.push_back(SumInAnyOrder(std::move(losses)));
    return std::move(judgement_);
  }

 private:
  Judgement judgement_;
  std::vector<double> losses_;
  std::vector<bool> wrong_;
  std::vector<std::vector<double>> losses_of_row_;
};

// Fits all temperatures. nullopt: no label can be judged.
std::optional<Judgement> FitLabels(const LabelRows& rows, const Scatter& scatter,
                                   const Products& products, bool by_row) {
  const std::int64_t labels = scatter.class_count;
  Judge judge(rows.row_count(), labels, by_row);
  std::vector<std::optional<double>> own(labels);
  std::vector<double> betas;
  std::vector<std::pair<std::int64_t, LabelView>> few;
  for (std::int64_t label = 0; label < labels; ++label) {
    const LabelShape shape = ShapeOf(scatter, products, label);
    if (!shape.judged()) continue;
    LabelView view = rows.View(products, label);
    if (!HasOwn(shape)) {
      few.emplace_back(label, std::move(view));
      continue;
    }
    const double beta = FitTemperature(view.unseen()).beta;
    own[label] = beta;
    betas.push_back(beta);
    judge.Add(label, view, beta);
  }
  if (betas.empty() && few.empty()) return std::nullopt;
  std::sort(betas.begin(), betas.end());
  double shared = betas.empty() ? 0 : betas[(betas.size() - 1) / 2];
  if (!few.empty()) {
    std::vector<Unseen> problems;
    for (const auto& [label, view] : few) problems.push_back(view.unseen());
    shared = FitSharedTemperature(problems);
  }
  for (const auto& [label, view] : few) judge.Add(label, view, shared);
  Judgement judgement = std::move(judge).Take();
  judgement.own = std::move(own);
  judgement.shared = shared;
  return judgement;
}

// All labels under one temperature that is given.
Judgement JudgeAt(const LabelRows& rows, const Scatter& scatter, const Products& products,
                  double beta) {
  Judge judge(rows.row_count(), scatter.class_count, true);
  for (std::int64_t label = 0; label < scatter.class_count; ++label)
    if (ShapeOf(scatter, products, label).judged())
      judge.Add(label, rows.View(products, label), beta);
  return std::move(judge).Take();
}

struct Trial {
  Settings settings;
  Judgement judgement;
  std::vector<double> scope;  // Scores of rows that the head has not seen, ascending.
};

struct BlockTrial {
  std::optional<Trial> best;
  std::optional<Trial> starting;  // When they are of this block and still stand a chance.
  std::vector<Candidate> candidates;
};

Settings WithFitted(Settings settings, const Statistics& statistics, const Judgement& judgement) {
  const auto n = static_cast<double>(statistics.example_count());
  settings.temperature = judgement.shared / n;
  std::size_t at = 0;
  for (const auto& [label, held] : statistics.classes())
    if (const std::optional<double> beta = judgement.own[at++]; beta)
      settings.label_temperatures.emplace(label, *beta / n);
  return settings;
}

BlockTrial TryBlock(const Statistics& statistics, const Rows& rows, const ContentRows& sample,
                    const Settings& starting, Block block, const SettleOptions& options,
                    const std::atomic<bool>* cancelled) {
  BlockTrial trial;
  const Scatter scatter = SharedScatterOf(statistics, block);
  const LabelRows label_rows(statistics, scatter, rows, sample,
                             BlockColumns(block, statistics.feature_dim()), options.prior);
  const bool by_row = statistics.example_count() < kChosenRowsMin;
  WalkDownhill([&](double lambda) {
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) return false;
    const std::optional<Products> products = label_rows.At(lambda);
    if (!products) return false;
    std::optional<Judgement> judged = FitLabels(label_rows, scatter, *products, by_row);
    if (!judged) return false;
    trial.candidates.push_back(
        {HeadKind::kLabelwise, block, lambda, judged->log_loss, judged->accuracy});
    if (trial.best && judged->log_loss >= trial.best->judgement.log_loss) return false;
    Settings settings = starting;
    settings.block = block;
    settings.lambda = lambda;
    settings = WithFitted(std::move(settings), statistics, *judged);
    trial.best = Trial{std::move(settings), *std::move(judged), label_rows.ScopeScores(*products)};
    return true;
  });
  if (!by_row || starting.block != block || !trial.best) return trial;
  if (const std::optional<Products> products = label_rows.At(starting.lambda)) {
    const double beta = starting.temperature * scatter.example_count;
    trial.starting = Trial{starting, JudgeAt(label_rows, scatter, *products, beta),
                           label_rows.ScopeScores(*products)};
  }
  return trial;
}

// The best of the blocks; nullopt: nothing could be judged.
std::optional<Trial> Choose(const Statistics& statistics, const Rows& rows,
                            const Settings& starting, const SettleOptions& options,
                            const std::atomic<bool>* cancelled,
                            std::vector<Candidate>& candidates) {
  const ContentRows sample =
      SampleByContent(rows, statistics.feature_dim(), SampleSize(statistics.label_count()));
  constexpr std::array kBlocks = {Block::kBoth, Block::kLast, Block::kLayer4};
  std::array<BlockTrial, kBlocks.size()> trials;
  ParallelFor(options.threads, kBlocks.size(), [&](std::size_t at) {
    trials[at] = TryBlock(statistics, rows, sample, starting, kBlocks[at], options, cancelled);
  });
  std::optional<Trial> best, first;
  for (BlockTrial& trial : trials) {
    candidates.insert(candidates.end(), trial.candidates.begin(), trial.candidates.end());
    if (trial.starting) first = std::move(trial.starting);
    if (trial.best && (!best || trial.best->judgement.log_loss < best->judgement.log_loss))
      best = std::move(trial.best);
  }
  if (best && first && !Gains(first->judgement.row_losses, best->judgement.row_losses, kChosenGain))
    return first;
  return best;
}

std::vector<LabelReport> LabelReports(const Statistics& statistics,
                                      const std::optional<Trial>& trial) {
  std::vector<LabelReport> reports;
  for (const auto& [label, held] : statistics.classes()) {
    LabelReport& report = reports.emplace_back();
    report.label = label;
    report.examples = held.count;
    if (!trial) continue;
    const Tally& tally = trial->judgement.tallies[reports.size() - 1];
    if (tally.rows == 0) continue;
    report.judged = tally.rows;
    report.accuracy = static_cast<double>(tally.right) / static_cast<double>(tally.rows);
  }
  return reports;
}

}  // namespace

Result<Head> SolveLabelwise(const Statistics& statistics, const Settings& settings) {
  Scatter scatter = SharedScatterOf(statistics, settings.block);
  const std::optional<Discriminant> solved = Discriminate(scatter, settings.lambda);
  if (!solved) return SingularStatus();
  const std::int64_t labels = scatter.class_count;
  const double n = scatter.example_count;
  std::vector<double> at_mean(labels);
  kernels::Algebra().add_rows(labels, scatter.dim, 1.0, scatter.mean.data(), 1,
                              solved->weights.data(), labels, at_mean.data());
  Head::Parts parts;
  parts.settings = settings;
  parts.settings.kind = HeadKind::kLabelwise;
  parts.feature_dim = statistics.feature_dim();
  parts.example_count = statistics.example_count();
  parts.weights.resize(solved->weights.size());
  bool any_tells = false;
  for (const auto& [label, held] : statistics.classes()) {
    const auto c = std::ssize(parts.labels);
    const LabelShape shape = ShapeOf(scatter.counts[c], n, solved->norms[c * labels + c]);
    parts.labels.push_back(label);
    parts.label_of_class.push_back(static_cast<std::int32_t>(c));
    any_tells = any_tells || shape.tells();
    const double scale = shape.tells() ? BetaOf(settings, label, n) * shape.gain() : 0;
    for (std::int64_t j = 0; j < scatter.dim; ++j)
      parts.weights[j * labels + c] = static_cast<float>(scale * solved->weights[j * labels + c]);
    const double odds = shape.tells() ? shape.p / shape.q : 2 * shape.p + 1;
    const bool prior = settings.prior == Prior::kEmpirical || !shape.tells();
    parts.bias.push_back((prior ? Log(odds) : 0) -
                         (shape.tells() ? scale * (at_mean[c] + shape.middle()) : 0));
    parts.scope_core.push_back(shape.tells() ? 1 / scale : 0);
    parts.scope_offsets.push_back(at_mean[c]);
    parts.scope_norms.push_back(shape.s);
  }
  if (!any_tells) {
    parts.scope_core.clear();
    parts.scope_offsets.clear();
    parts.scope_norms.clear();
  }
  return Head(std::move(parts));
}

Result<Settled> SettleLabelwise(const Statistics& statistics, const Rows& rows,
                                const SettleOptions& options, const std::atomic<bool>* cancelled) {
  CTT_RETURN_IF_ERROR(CheckLabelRows(statistics, rows));
  Report report;
  report.examples = statistics.example_count();
  Settings settings = StartingSettings(statistics);
  settings.prior = options.prior;
  const std::optional<Trial> chosen =
      Choose(statistics, rows, settings, options, cancelled, report.candidates);
  if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed))
    return Status(Code::kCancelled, "settling was cancelled");
  report.labels = LabelReports(statistics, chosen);
  Rates rates;
  if (chosen) {
    settings = chosen->settings;
    report.loo_accuracy = chosen->judgement.accuracy;
    report.loo_log_loss = chosen->judgement.log_loss;
  }
  if (chosen && !chosen->scope.empty()) {
    settings.scope_threshold = ScopeThreshold(chosen->scope, options.scope_reject_rate);
    rates.scope_thresholds = ScopeThresholds(chosen->scope);
  }
  CTT_ASSIGN_OR_RETURN(Head head, SolveLabelwise(statistics, settings));
  return Settled{std::move(head), std::move(report), std::move(rates)};
}

Head RenameInLabelwise(const Head& head, std::string_view from, std::string_view to) {
  Head::Parts parts = head.parts();
  std::vector<std::size_t> order(parts.labels.size());
  for (std::size_t c = 0; c < order.size(); ++c) {
    order[c] = c;
    if (parts.labels[c] == from) parts.labels[c] = to;
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return parts.labels[a] < parts.labels[b]; });
  const auto permute = [&](auto& values) {
    const auto before = values;
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = before[i / order.size() * order.size() + order[i % order.size()]];
  };
  permute(parts.labels);
  permute(parts.weights);
  permute(parts.bias);
  permute(parts.scope_core);
  permute(parts.scope_offsets);
  permute(parts.scope_norms);
  auto& temperatures = parts.settings.label_temperatures;
  if (auto node = temperatures.extract(std::string(from)); !node.empty()) {
    node.key() = to;
    temperatures.insert(std::move(node));
  }
  return Head(std::move(parts));
}

}  // namespace ctt::learn
