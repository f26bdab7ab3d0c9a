#include "learn/ridge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "learn/assemble.h"
#include "learn/choose_discriminant.h"
#include "learn/compare.h"
#include "learn/content_rows.h"
#include "learn/lambda_grid.h"
#include "learn/shared_scatter.h"
#include "learn/whitening.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kRowsMax = 4096;
constexpr double kLeverageFloor = 1e-9;

Status CheckNumberRows(const Statistics& statistics, const Rows& rows) {
  const auto n = static_cast<std::size_t>(statistics.example_count());
  Int128 sum = 0;
  for (const std::int64_t units : rows.units) sum += units;
  if (rows.units.size() == n && sum == statistics.number_sum() &&
      rows.phi.size() == n * static_cast<std::size_t>(statistics.feature_dim()))
    return Status::Ok();
  return InvalidArgument("the rows hold other examples than the statistics");
}

// Rows with equal features by their numbers, so that content alone orders them.
ContentRows SampleRows(const Statistics& statistics, const Rows& rows) {
  ContentRows sample = SampleByContent(rows, statistics.feature_dim(), kRowsMax);
  for (std::size_t group = 0; group + 1 < sample.groups.size(); ++group)
    std::sort(sample.rows.begin() + static_cast<std::ptrdiff_t>(sample.groups[group]),
              sample.rows.begin() + static_cast<std::ptrdiff_t>(sample.groups[group + 1]),
              [&](std::int64_t a, std::int64_t b) { return rows.units[a] < rows.units[b]; });
  return sample;
}

// y - mean y of each row, in units.
std::vector<double> CentredNumbers(const Statistics& statistics, const Rows& rows,
                                   const ContentRows& sample) {
  const double mean = MeanUnits(statistics);
  std::vector<double> numbers;
  for (const std::int64_t row : sample.rows)
    numbers.push_back(static_cast<double>(rows.units[row]) - mean);
  return numbers;
}

std::vector<double> AbsoluteOf(std::vector<double> errors) {
  for (double& error : errors) error = std::fabs(error);
  return errors;
}

std::vector<double> SquaresOf(const std::vector<double>& errors) {
  std::vector<double> squares;
  for (const double error : errors) squares.push_back(error * error);
  return squares;
}

double MeanOf(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

struct Trial {
  Block block = Block::kBoth;
  double lambda = 1;
  std::vector<double> errors;
  double loss = 0;  // Mean square, in units.
};

struct BlockTrial {
  std::optional<Trial> best;
  std::optional<Trial> starting;
  std::vector<Candidate> candidates;
};

BlockTrial TryBlock(const Statistics& statistics, const ContentRows& sample,
                    const std::vector<double>& numbers, const Settings& starting, Block block,
                    const std::atomic<bool>* cancelled) {
  BlockTrial trial;
  const Scatter scatter = SharedScatterOf(statistics, block);
  const RotatedRows rows(scatter,
                         sample.PhiFrom(BlockColumns(block, statistics.feature_dim()).begin));
  const auto trial_at = [&](double lambda) -> std::optional<Trial> {
    const std::optional<Products> products = rows.At(lambda);
    if (!products) return std::nullopt;
    Trial found{block, lambda, LeftOutErrors(*products, numbers, scatter.example_count), 0};
    found.loss = MeanOf(SquaresOf(found.errors));
    return found;
  };
  WalkDownhill([&](double lambda) {
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) return false;
    std::optional<Trial> found = trial_at(lambda);
    if (!found) return false;
    trial.candidates.push_back(
        {HeadKind::kRidge, block, lambda, UnitsToNumber(UnitsToNumber(found->loss)), 0});
    if (trial.best && found->loss >= trial.best->loss) return false;
    trial.best = std::move(found);
    return true;
  });
  if (statistics.example_count() < kChosenRowsMin && starting.block == block)
    trial.starting = trial_at(starting.lambda);
  return trial;
}

std::optional<Trial> Choose(const Statistics& statistics, const ContentRows& sample,
                            const std::vector<double>& numbers, const Settings& starting,
                            const SettleOptions& options, const std::atomic<bool>* cancelled,
                            std::vector<Candidate>& candidates) {
  if (statistics.example_count() < 2) return std::nullopt;
  constexpr std::array kBlocks = {Block::kBoth, Block::kLast, Block::kLayer4};
  std::array<BlockTrial, kBlocks.size()> trials;
  ParallelFor(options.threads, kBlocks.size(), [&](std::size_t at) {
    trials[at] = TryBlock(statistics, sample, numbers, starting, kBlocks[at], cancelled);
  });
  std::optional<Trial> best, first;
  for (BlockTrial& trial : trials) {
    candidates.insert(candidates.end(), trial.candidates.begin(), trial.candidates.end());
    if (trial.starting) first = std::move(trial.starting);
    if (trial.best && (!best || trial.best->loss < best->loss)) best = std::move(trial.best);
  }
  if (best && first && !Gains(SquaresOf(first->errors), SquaresOf(best->errors), kChosenGain))
    return first;
  return best;
}

// R^2 compares with the mean of the other rows, (y - mean y) n / (n - 1) off.
NumberReport ReportOf(const Trial& trial, const std::vector<double>& numbers, double n) {
  std::vector<double> spread;
  for (const double number : numbers) spread.push_back(number * n / (n - 1));
  const double variance = MeanOf(SquaresOf(spread));
  return {UnitsToNumber(MeanOf(AbsoluteOf(trial.errors))), UnitsToNumber(std::sqrt(trial.loss)),
          variance > 0 ? 1 - trial.loss / variance : 0};
}

// k^2 e / (1 - k e) with k = n / (n - 1): as the scope of head A, the row left out of T and m.
std::vector<double> ScopeScores(const Statistics& statistics, const ContentRows& sample) {
  const Scatter scatter = SharedScatterOf(statistics, Block::kLast);
  const RotatedRows rows(scatter, sample.PhiFrom(ScopeColumns(statistics.feature_dim()).begin));
  std::vector<double> scores;
  const std::optional<Products> products = rows.At(StartingSettings(statistics).lambda);
  if (!products) return scores;
  const double k = scatter.example_count / (scatter.example_count - 1);
  for (std::size_t i = 0; i < sample.rows.size(); ++i) {
    const double e = products->own[i];
    scores.push_back(-k * k * e / std::max(1 - k * e, kLeverageFloor));
  }
  std::sort(scores.begin(), scores.end());
  return scores;
}

}  // namespace

std::vector<double> LeftOutErrors(const Products& products, const std::vector<double>& numbers,
                                  double example_count) {
  std::vector<double> errors;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double room = std::max(1 - 1 / example_count - products.own[i], kLeverageFloor);
    errors.push_back((numbers[i] - products.dots[i]) / room);
  }
  return errors;
}

Result<Head> SolveRidge(const Statistics& statistics, const Settings& settings) {
  Scatter scatter = SharedScatterOf(statistics, settings.block);
  const std::optional<Discriminant> solved = Discriminate(scatter, settings.lambda);
  Scatter last = SharedScatterOf(statistics, Block::kLast);
  std::optional<Whitening> whitening = WhitenBy(last, StartingSettings(statistics).lambda);
  if (!solved || !whitening) return SingularStatus();
  Head::Parts parts;
  parts.settings = settings;
  parts.settings.kind = HeadKind::kRidge;
  parts.feature_dim = statistics.feature_dim();
  parts.example_count = statistics.example_count();
  double at_mean = 0;
  for (std::int64_t j = 0; j < scatter.dim; ++j) {
    const double weight = UnitsToNumber(solved->weights[j]);
    parts.weights.push_back(static_cast<float>(weight));
    at_mean += weight * scatter.mean[j];
  }
  parts.bias = {UnitsToNumber(MeanUnits(statistics)) - at_mean};
  parts.scope_factor = std::move(whitening->factor);
  parts.scope_offsets = std::move(whitening->offsets);
  return Head(std::move(parts));
}

Result<Settled> SettleRidge(const Statistics& statistics, const Rows& rows,
                            const SettleOptions& options, const std::atomic<bool>* cancelled) {
  CTT_RETURN_IF_ERROR(CheckNumberRows(statistics, rows));
  Report report;
  report.examples = statistics.example_count();
  Settings settings = StartingSettings(statistics);
  settings.prior = options.prior;
  const ContentRows sample = SampleRows(statistics, rows);
  const std::vector<double> numbers = CentredNumbers(statistics, rows, sample);
  const std::optional<Trial> chosen =
      Choose(statistics, sample, numbers, settings, options, cancelled, report.candidates);
  if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed))
    return Status(Code::kCancelled, "settling was cancelled");
  Rates rates;
  if (chosen) {
    settings.block = chosen->block;
    settings.lambda = chosen->lambda;
    report.numbers = ReportOf(*chosen, numbers, static_cast<double>(statistics.example_count()));
    rates.interval_halves = IntervalHalves(AbsoluteOf(chosen->errors));
    if (const std::vector<double> scope = ScopeScores(statistics, sample); !scope.empty()) {
      settings.scope_threshold = ScopeThreshold(scope, options.scope_reject_rate);
      rates.scope_thresholds = ScopeThresholds(scope);
    }
  }
  CTT_ASSIGN_OR_RETURN(Head head, SolveRidge(statistics, settings));
  return Settled{std::move(head), std::move(report), std::move(rates)};
}

}  // namespace ctt::learn
