#include "learn/choose_discriminant.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/parallel.h"
#include "learn/compare.h"
#include "learn/lambda_grid.h"
#include "learn/leave_one_out.h"

namespace ctt::learn {
namespace {

// Along lambda within one block.
class LambdaSearch {
 public:
  LambdaSearch(const LeaveOneOut& rows, const std::vector<double>& log_prior, Block block,
               const std::atomic<bool>* cancelled, std::vector<Candidate>& candidates)
      : rows_(rows),
        log_prior_(log_prior),
        block_(block),
        cancelled_(cancelled),
        candidates_(candidates) {}

  void Run() {
    WalkDownhill([this](double lambda) { return Try(lambda); });
  }
  bool found() const { return found_; }
  double lambda() const { return lambda_; }
  const Fit& fit() const { return fit_; }
  const Distances& distances() const { return distances_; }

 private:
  // True when it is the best so far.
  bool Try(double lambda) {
    if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) return false;
    std::optional<Distances> distances = rows_.At(lambda);
    if (!distances) return false;
    const Fit fit = FitTemperature(rows_.UnseenBy(*distances, log_prior_));
    candidates_.push_back(
        {HeadKind::kLinearDiscriminant, block_, lambda, fit.log_loss, fit.accuracy});
    if (found_ && fit.log_loss >= fit_.log_loss) return false;
    found_ = true;
    lambda_ = lambda;
    fit_ = fit;
    distances_ = std::move(*distances);
    return true;
  }

  const LeaveOneOut& rows_;
  const std::vector<double>& log_prior_;
  Block block_;
  const std::atomic<bool>* cancelled_;
  std::vector<Candidate>& candidates_;
  bool found_ = false;
  double lambda_ = 0;
  Fit fit_;
  Distances distances_;
};

// A head and what it says of the rows left out.
struct Trial {
  DiscriminantChoice choice;
  std::vector<double> losses;
};

// What the best head of one block would be; unjudged when no row can be left out. And what the
// starting settings would do, when they are of this block and still stand a chance.
struct BlockTrial {
  Trial best;
  std::optional<Trial> starting;
  std::vector<Candidate> candidates;
};

// `settings` with what follows from the rows left out under them.
Trial Judge(Settings settings, const LeaveOneOut& rows, const Distances& distances,
            const std::vector<double>& log_prior, double beta, double n,
            const SettleOptions& options) {
  const Unseen unseen = rows.UnseenBy(distances, log_prior);
  const double spread = rows.Spread(distances);
  const std::vector<double> misfits = Misfits(unseen, beta);
  const std::vector<double> scopes = rows.ScopeScores(distances, spread);
  settings.scope_spread = spread * n;
  settings.set_quantile = SetQuantile(misfits, options.set_error_rate);
  settings.scope_threshold = ScopeThreshold(scopes, options.scope_reject_rate);
  Rates rates;
  rates.set_quantiles[HeadKind::kLinearDiscriminant] = SetQuantiles(misfits);
  rates.scope_thresholds = ScopeThresholds(scopes);
  const Fit fit = FitAt(unseen, beta);
  return {
      {settings, true, fit.log_loss, fit.accuracy, TallyByLabel(unseen, beta), std::move(rates)},
      Losses(unseen, beta)};
}

BlockTrial TryBlock(const Statistics& statistics, const RowOrder& order,
                    const std::vector<Row>& sample, Block block, const SettleOptions& options,
                    const std::atomic<bool>* cancelled) {
  BlockTrial trial;
  const Scatter scatter = ScatterOf(statistics, order.classes, block);
  const std::vector<double> log_prior = LogPrior(scatter, options.prior);
  const LeaveOneOut rows(scatter, sample, BlockColumns(block, statistics.feature_dim()));
  if (rows.row_count() == 0) return trial;
  LambdaSearch search(rows, log_prior, block, cancelled, trial.candidates);
  search.Run();
  if (!search.found()) return trial;
  const double n = scatter.example_count;
  Settings settings = StartingSettings(statistics);
  settings.prior = options.prior;
  if (settings.block == block && statistics.example_count() < kChosenRowsMin)
    if (const std::optional<Distances> distances = rows.At(settings.lambda))
      trial.starting =
          Judge(settings, rows, *distances, log_prior, settings.temperature * n, n, options);
  settings.block = block;
  settings.lambda = search.lambda();
  settings.temperature = search.fit().beta / n;
  trial.best = Judge(settings, rows, search.distances(), log_prior, search.fit().beta, n, options);
  return trial;
}

}  // namespace

double ScopeThreshold(const std::vector<double>& ascending, double reject_rate) {
  const auto n = static_cast<double>(ascending.size());
  const auto at = static_cast<std::size_t>(std::clamp(std::floor(reject_rate * n), 0.0, n - 1));
  return ascending[at];
}

DiscriminantChoice ChooseDiscriminant(const Statistics& statistics, const RowOrder& order,
                                      const std::vector<Row>& sample, const SettleOptions& options,
                                      const std::atomic<bool>* cancelled,
                                      std::vector<Candidate>& candidates) {
  DiscriminantChoice best;
  best.settings = StartingSettings(statistics);
  best.settings.prior = options.prior;
  if (order.classes.size() > 1) {
    constexpr std::array kBlocks = {Block::kBoth, Block::kLast, Block::kLayer4};
    std::array<BlockTrial, kBlocks.size()> trials;
    ParallelFor(options.threads, kBlocks.size(), [&](std::size_t at) {
      trials[at] = TryBlock(statistics, order, sample, kBlocks[at], options, cancelled);
    });
    const Trial *first = nullptr, *starting = nullptr;
    for (const BlockTrial& trial : trials) {
      candidates.insert(candidates.end(), trial.candidates.begin(), trial.candidates.end());
      if (trial.starting) starting = &*trial.starting;
      if (trial.best.choice.judged &&
          (first == nullptr || trial.best.choice.log_loss < first->choice.log_loss))
        first = &trial.best;
    }
    if (starting != nullptr && !Gains(starting->losses, first->losses, kChosenGain))
      first = starting;
    if (first != nullptr) best = first->choice;
  }
  return best;
}

}  // namespace ctt::learn
