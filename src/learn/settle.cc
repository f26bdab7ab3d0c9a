// Settle: choices by log-loss on rows that the judged head has not seen, then the head they make.
//
// Head A is judged by exact leave-one-out on at most kRowsMax rows, those of least content hash;
// its sums, and so its weights, always hold all rows. Head B, C or lexical answers where it does
// better than A on held-out rows.
#include "learn/assemble.h"
#include "learn/choose_discriminant.h"
#include "learn/choose_logistic.h"
#include "learn/solve.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kRowsMax = 4096;

bool IsCancelled(const std::atomic<bool>* cancelled) {
  return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
}
Status CancelledStatus() { return {Code::kCancelled, "settling was cancelled"}; }

}  // namespace

Result<Settled> Settle(const Statistics& statistics, const Rows& rows, const SettleOptions& options,
                       const std::atomic<bool>* cancelled) {
  if (statistics.example_count() == 0)
    return FailedPrecondition("the task holds no example to learn from");
  CTT_ASSIGN_OR_RETURN(const RowOrder order, OrderRows(statistics, rows));
  Report report;
  report.examples = statistics.example_count();
  DiscriminantChoice discriminant = ChooseDiscriminant(
      statistics, order, LeastHashed(order.rows, kRowsMax), options, cancelled, report.candidates);
  if (IsCancelled(cancelled)) return CancelledStatus();
  Settings& settings = discriminant.settings;
  if (discriminant.judged) {
    report.loo_accuracy = discriminant.accuracy;
    report.loo_log_loss = discriminant.log_loss;
  }
  Scatter scatter = ScatterOf(statistics, order.classes, settings.block);
  std::optional<LogisticChoice> logistic =
      ChooseLogistic(statistics, order, scatter, settings, options, cancelled, report.candidates);
  if (IsCancelled(cancelled)) return CancelledStatus();
  const std::optional<Discriminant> solved = Discriminate(scatter, settings.lambda);
  if (!solved) return SingularStatus();
  if (!logistic)
    return Settled{
        AssembleDiscriminant(order.classes, statistics.feature_dim(), scatter, *solved, settings),
        std::move(report)};
  settings.kind = logistic->kind;
  settings.rho = logistic->rho;
  settings.logistic_temperature = logistic->temperature;
  settings.logistic_set_quantile = logistic->set_quantile;
  report.loo_accuracy = logistic->accuracy;
  report.loo_log_loss = logistic->log_loss;
  return Settled{AssembleLogistic(order.classes, statistics.feature_dim(), scatter, *solved,
                                  logistic->model, std::move(logistic->lexicon), settings),
                 std::move(report)};
}

}  // namespace ctt::learn
