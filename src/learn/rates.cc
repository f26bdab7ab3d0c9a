#include "learn/rates.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "learn/target.h"

namespace ctt::learn {
namespace {

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

std::optional<double> Rates::IntervalHalf(double error_rate) const {
  const std::optional<std::size_t> at = GridIndex(error_rate);
  if (interval_halves.empty() || !at || interval_halves[*at] == kNoInterval) return std::nullopt;
  return UnitsToNumber(static_cast<double>(interval_halves[*at]));
}

double SetQuantile(std::vector<double> misfits, double error_rate) {
  const auto n = static_cast<double>(misfits.size());
  const double rank = std::ceil((n + 1) * (1 - error_rate));
  if (rank > n) return 1;
  const auto at = misfits.begin() + static_cast<std::ptrdiff_t>(std::max(rank, 1.0)) - 1;
  std::nth_element(misfits.begin(), at, misfits.end());
  return *at;
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

std::vector<std::int64_t> IntervalHalves(std::vector<double> errors) {
  std::sort(errors.begin(), errors.end());
  const auto n = static_cast<double>(errors.size());
  std::vector<std::int64_t> halves;
  for (const double rate : RateGrid()) {
    const double rank = std::max(std::ceil((n + 1) * (1 - rate)), 1.0);
    halves.push_back(rank > n ? Rates::kNoInterval
                              : Units(std::ceil(errors[static_cast<std::size_t>(rank) - 1])));
  }
  return halves;
}

}  // namespace ctt::learn
