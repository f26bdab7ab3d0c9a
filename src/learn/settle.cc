// Settle: choices by log-loss on rows that the judged head has not seen, then the head they make.
//
// Head A is judged by exact leave-one-out on at most kJudgedRowsMax rows, those of least content
// hash; its sums, and so its weights, always hold all rows. A pool of A with fitted heads (head B,
// C or lexical) answers where it does better than A alone on held-out rows.
#include <algorithm>

#include "learn/assemble.h"
#include "learn/choose_discriminant.h"
#include "learn/choose_pool.h"
#include "learn/labelwise.h"
#include "learn/ridge.h"
#include "learn/solve.h"

namespace ctt::learn {
namespace {

bool IsCancelled(const std::atomic<bool>* cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}
// By label; empty tallies mean that nothing was judged.
std::vector<LabelReport> LabelReports(const Statistics& statistics, const RowOrder& order,
                                      const std::vector<Tally>& tallies) {
  std::vector<LabelReport> reports;
  for (std::size_t c = 0; c < order.classes.size(); ++c) {
    LabelReport& report = reports.emplace_back();
    report.label = order.classes[c].label;
    report.examples = statistics.classes().find(order.classes[c].label)->second.count;
    if (c >= tallies.size() || tallies[c].rows == 0) continue;
    report.judged = tallies[c].rows;
    report.accuracy = static_cast<double>(tallies[c].right) / static_cast<double>(report.judged);
  }
  std::sort(reports.begin(), reports.end(),
            [](const LabelReport& a, const LabelReport& b) { return a.label < b.label; });
  return reports;
}

Status CancelledStatus() { return {Code::kCancelled, "settling was cancelled"}; }

}  // namespace

Result<Settled> Settle(const Statistics& statistics, const Rows& rows, const SettleOptions& options,
                       const std::atomic<bool>* cancelled) {
  if (statistics.example_count() == 0)
    return FailedPrecondition("the task holds no example to learn from");
  if (statistics.kind() == TaskKind::kMulti)
    return SettleLabelwise(statistics, rows, options, cancelled);
  if (statistics.kind() == TaskKind::kRegression)
    return SettleRidge(statistics, rows, options, cancelled);
  CTT_ASSIGN_OR_RETURN(const RowOrder order, OrderRows(statistics, rows));
  Report report;
  report.examples = statistics.example_count();
  DiscriminantChoice discriminant =
      ChooseDiscriminant(statistics, order, LeastHashed(order.rows, kJudgedRowsMax), options,
                         cancelled, report.candidates);
  if (IsCancelled(cancelled)) return CancelledStatus();
  Settings& settings = discriminant.settings;
  if (discriminant.judged) {
    report.loo_accuracy = discriminant.accuracy;
    report.loo_log_loss = discriminant.log_loss;
  }
  report.labels = LabelReports(statistics, order, discriminant.tallies);
  Rates& rates = discriminant.rates;
  Scatter scatter = ScatterOf(statistics, order.classes, settings.block);
  std::optional<PoolChoice> pool =
      ChoosePool(statistics, order, scatter, settings, options, cancelled, report.candidates);
  if (IsCancelled(cancelled)) return CancelledStatus();
  const std::optional<Discriminant> solved = Discriminate(scatter, settings.lambda);
  if (!solved) return SingularStatus();
  if (!pool)
    return Settled{
        AssembleDiscriminant(order.classes, statistics.feature_dim(), scatter, *solved, settings),
        std::move(report), std::move(rates)};
  rates.set_quantiles[pool->kind] = std::move(pool->set_quantiles);
  settings.kind = pool->kind;
  settings.rho = pool->rho;
  settings.logistic_set_quantile = pool->set_quantile;
  report.loo_accuracy = pool->accuracy;
  report.loo_log_loss = pool->log_loss;
  report.labels = LabelReports(statistics, order, pool->tallies);
  return Settled{AssemblePool(order.classes, statistics.feature_dim(), scatter, *solved,
                              std::move(pool->pool), settings),
                 std::move(report), std::move(rates)};
}

}  // namespace ctt::learn
