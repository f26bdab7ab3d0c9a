// Settle: every choice by exact leave-one-out log-loss over at most kRowsMax rows.
//
// Rows beyond that are represented by those of least content hash: sums, and so heads, always hold
// all rows; only the evaluation of a choice is sampled. One row is left out exactly in either case.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "learn/assemble.h"
#include "learn/leave_one_out.h"
#include "learn/solve.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kRowsMax = 4096;

// 10^-5 .. 10^2 in half steps, relative to the mean eigenvalue.
constexpr std::array<double, 15> kLambdas = {
    1e-5, 3.1622776601683795e-5, 1e-4, 3.1622776601683794e-4, 1e-3, 3.1622776601683794e-3,
    1e-2, 3.1622776601683794e-2, 1e-1, 3.1622776601683794e-1, 1,    3.1622776601683795,
    10,   31.622776601683793,    100};
constexpr int kFirstTried = 8;

struct Best {
  Settings settings;
  double beta = 0;
  double log_loss = 1e300, accuracy = 0;
  double scope_threshold = -1e300, set_quantile = 1;
};

double ScopeThreshold(const std::vector<double>& ascending, double reject_rate) {
  if (ascending.empty()) return -1e300;
  const auto n = static_cast<double>(ascending.size());
  const auto at = static_cast<std::size_t>(std::clamp(std::floor(reject_rate * n), 0.0, n - 1));
  return ascending[at];
}

// The ceil((n + 1)(1 - error_rate))-th least misfit; every label when n is too small for that.
double SetQuantile(const std::vector<double>& ascending, double error_rate) {
  const double rank = std::ceil((static_cast<double>(ascending.size()) + 1) * (1 - error_rate));
  if (rank > static_cast<double>(ascending.size())) return 1;
  return ascending[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

bool Cancelled(const std::atomic<bool>* cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}
Status CancelledStatus() { return {Code::kCancelled, "settling was cancelled"}; }

// The search along lambda within one block: from a middle value downhill, one grid step at a time.
class LambdaSearch {
 public:
  LambdaSearch(const LeaveOneOut& rows, const std::vector<double>& log_prior, Block block,
               std::vector<Candidate>& candidates, const std::atomic<bool>* cancelled)
      : rows_(rows),
        log_prior_(log_prior),
        block_(block),
        candidates_(candidates),
        cancelled_(cancelled) {}

  // Index of the best lambda; -1 when none could be factored, or when cancelled.
  int Run() {
    Try(kFirstTried);
    Walk(-1);
    Walk(1);
    return best_;
  }
  const Fit& fit() const { return fits_.at(best_); }
  const Distances& distances() const { return best_distances_; }

 private:
  void Walk(int step) {
    for (int at = kFirstTried + step; at >= 0 && at < static_cast<int>(kLambdas.size()); at += step)
      if (!Try(at)) return;
  }
  // True when it is the best so far.
  bool Try(int at) {
    if (Cancelled(cancelled_)) return false;
    std::optional<Distances> distances = rows_.At(kLambdas[at]);
    if (!distances) return false;
    const Fit fit = rows_.FitTemperature(*distances, log_prior_, 0);
    candidates_.push_back(
        {HeadKind::kLinearDiscriminant, block_, kLambdas[at], fit.log_loss, fit.accuracy});
    const bool better = best_ < 0 || fit.log_loss < fits_.at(best_).log_loss;
    fits_[at] = fit;
    if (!better) return false;
    best_ = at;
    best_distances_ = std::move(*distances);
    return true;
  }

  const LeaveOneOut& rows_;
  const std::vector<double>& log_prior_;
  Block block_;
  std::vector<Candidate>& candidates_;
  const std::atomic<bool>* cancelled_;
  int best_ = -1;
  std::map<int, Fit> fits_;
  Distances best_distances_;
};

void TryBlock(const Statistics& statistics, const RowOrder& order, const std::vector<Row>& sample,
              Block block, const SettleOptions& options, const std::atomic<bool>* cancelled,
              Best& best, Report& report) {
  const Scatter scatter = ScatterOf(statistics, order.classes, block);
  const std::vector<double> log_prior = LogPrior(scatter, options.prior);
  const LeaveOneOut rows(scatter, sample, BlockColumns(block, statistics.feature_dim()));
  if (rows.row_count() == 0) return;
  LambdaSearch search(rows, log_prior, block, report.candidates, cancelled);
  const int at = search.Run();
  if (at < 0 || search.fit().log_loss >= best.log_loss) return;
  best.settings.block = block;
  best.settings.lambda = kLambdas[at];
  best.settings.temperature = search.fit().beta / scatter.example_count;
  best.log_loss = search.fit().log_loss;
  best.accuracy = search.fit().accuracy;
  best.settings.set_quantile = SetQuantile(
      rows.Misfits(search.distances(), log_prior, search.fit().beta), options.set_error_rate);
  best.settings.scope_threshold =
      ScopeThreshold(rows.ScopeScores(search.distances()), options.scope_reject_rate);
}

}  // namespace

Result<Settled> Settle(const Statistics& statistics, const Rows& rows, const SettleOptions& options,
                       const std::atomic<bool>* cancelled) {
  if (statistics.example_count() == 0)
    return FailedPrecondition("the task holds no example to learn from");
  CTT_ASSIGN_OR_RETURN(const RowOrder order, OrderRows(statistics, rows));
  const std::vector<Row> sample = LeastHashed(order.rows, kRowsMax);
  Report report;
  report.examples = statistics.example_count();
  Best best;
  best.settings = StartingSettings(statistics);
  best.settings.prior = options.prior;
  if (order.classes.size() > 1)
    for (const Block block : {Block::kBoth, Block::kLast, Block::kLayer4}) {
      TryBlock(statistics, order, sample, block, options, cancelled, best, report);
      if (Cancelled(cancelled)) return CancelledStatus();
    }
  if (!report.candidates.empty()) {
    report.loo_accuracy = best.accuracy;
    report.loo_log_loss = best.log_loss;
  }
  CTT_ASSIGN_OR_RETURN(Head head, Solve(statistics, best.settings));
  return Settled{std::move(head), std::move(report)};
}

}  // namespace ctt::learn
