#include "learn/rates.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "learn/choose_discriminant.h"
#include "learn/held_out.h"
#include "learn/leave_one_out.h"
#include "learn/row_order.h"

namespace ctt::learn {
namespace {

constexpr std::size_t kRowsMax = 4096;  // As Settle: the default rates then give its own numbers.
constexpr double kUnit = 0x1p-40;
constexpr double kUnitsMax = 0x1p62;

std::int64_t Units(double value) {
  return static_cast<std::int64_t>(std::clamp(value, -kUnitsMax, kUnitsMax));
}

// The last of the grid that is at most `rate`; none: nullopt.
std::optional<std::size_t> GridIndex(double rate) {
  const std::span<const double> grid = RateGrid();
  const auto after = std::upper_bound(grid.begin(), grid.end(), rate);
  if (after == grid.begin()) return std::nullopt;
  return static_cast<std::size_t>(after - grid.begin()) - 1;
}

std::vector<std::int64_t> SetQuantiles(const std::vector<double>& misfits) {
  std::vector<std::int64_t> quantiles;
  for (const double rate : RateGrid())
    quantiles.push_back(Units(std::ceil(SetQuantile(misfits, rate) / kUnit)));
  return quantiles;
}

std::vector<std::int64_t> ScopeThresholds(const std::vector<double>& ascending) {
  const auto n = static_cast<double>(ascending.size());
  std::vector<std::int64_t> thresholds;
  for (const double rate : RateGrid())
    thresholds.push_back(
        Units(std::floor(ascending[static_cast<std::size_t>(std::floor(rate * n))] / kUnit)));
  return thresholds;
}

bool JudgeDiscriminant(const RowOrder& order, const Scatter& scatter, Columns columns,
                       const Settings& settings, Rates& rates) {
  const LeaveOneOut rows(scatter, LeastHashed(order.rows, kRowsMax), columns);
  if (rows.row_count() == 0) return false;
  const std::optional<Distances> distances = rows.At(settings.lambda);
  if (!distances) return false;
  const std::vector<double> log_prior = LogPrior(scatter, settings.prior);
  rates.set_quantiles[HeadKind::kLinearDiscriminant] = SetQuantiles(
      Misfits(rows.UnseenBy(*distances, log_prior), settings.temperature * scatter.example_count));
  rates.scope_thresholds = ScopeThresholds(rows.ScopeScores(*distances));
  return true;
}

// Head B, C or lexical.
void JudgeFitted(const RowOrder& order, const Scatter& scatter, Columns columns,
                 const Settings& settings, int threads, const std::atomic<bool>* cancelled,
                 Rates& rates) {
  const std::vector<Split> splits = SplitsOf(order.rows, scatter.class_count);
  const std::vector<SplitTerms> terms =
      WeighsWords(settings.kind) ? TermsOf(splits, scatter.class_count) : std::vector<SplitTerms>();
  const Logistic logistic(scatter, columns);
  const double rho = settings.kind == HeadKind::kLexical ? Logistic::kTermsAlone : settings.rho;
  const HeldOut held_out = HoldOutLogistic(logistic, splits, terms, scatter.class_count,
                                           logistic.BoundFor(rho), threads, cancelled);
  const std::vector<double> no_prior(scatter.class_count);
  rates.set_quantiles[settings.kind] =
      SetQuantiles(Misfits(held_out.View(no_prior), settings.logistic_temperature));
}

}  // namespace

std::span<const double> RateGrid() {
  static const std::vector<double> grid = [] {
    std::vector<double> rates;
    for (int i = 1; i < 10; ++i) rates.push_back(i / 1000.0);
    for (int i = 1; i <= 50; ++i) rates.push_back(i / 100.0);
    return rates;
  }();
  return grid;
}

double Rates::SetQuantile(HeadKind kind, double error_rate) const {
  const auto quantiles = set_quantiles.find(kind);
  const std::optional<std::size_t> at = GridIndex(error_rate);
  if (quantiles == set_quantiles.end() || !at) return 1;
  return static_cast<double>(quantiles->second[*at]) * kUnit;
}

double Rates::ScopeThreshold(double reject_rate) const {
  const std::optional<std::size_t> at = GridIndex(reject_rate);
  if (scope_thresholds.empty() || !at) return -1e300;
  return static_cast<double>(scope_thresholds[*at]) * kUnit;
}

Result<Rates> RatesOf(const Statistics& statistics, const Rows& rows, const Settings& settings,
                      int threads, const std::atomic<bool>* cancelled) {
  CTT_ASSIGN_OR_RETURN(const RowOrder order, OrderRows(statistics, rows));
  Rates rates;
  if (order.classes.size() < 2) return rates;
  const Scatter scatter = ScatterOf(statistics, order.classes, settings.block);
  const Columns columns = BlockColumns(settings.block, statistics.feature_dim());
  if (!JudgeDiscriminant(order, scatter, columns, settings, rates)) return rates;
  switch (settings.kind) {  // Each kind has quantiles of its own, besides those of head A.
    case HeadKind::kLinearDiscriminant:
      break;
    case HeadKind::kLogistic:
    case HeadKind::kHybrid:
    case HeadKind::kLexical:
      JudgeFitted(order, scatter, columns, settings, threads, cancelled, rates);
      break;
  }
  if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed))
    return Status(Code::kCancelled, "settling was cancelled");
  return rates;
}

}  // namespace ctt::learn
