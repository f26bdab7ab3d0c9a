#include "learn/learning_curve.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <string>

#include "learn/held_out.h"
#include "learn/leave_one_out.h"

namespace ctt::learn {
namespace {

constexpr std::int64_t kRowsMin = 16;
constexpr std::int64_t kRowsMax = 8192;
// 2^-c for c of 1/4 to 1: exact square roots, the same bits everywhere.
const std::array<double, 4> kDecays = {std::sqrt(std::sqrt(0.5)), std::sqrt(0.5),
                                       std::sqrt(0.5) * std::sqrt(std::sqrt(0.5)), 0.5};

double AccuracyOn(std::vector<Row> rows, std::int32_t feature_dim, const Settings& settings) {
  const Statistics statistics = StatisticsOf(feature_dim, rows);
  const std::vector<ContentClass> classes = ContentOrder(statistics);
  std::map<std::string_view, std::int32_t> place;
  for (std::size_t c = 0; c < classes.size(); ++c)
    place[classes[c].label] = static_cast<std::int32_t>(c);
  for (Row& row : rows) row.label = place.at(std::to_string(row.label));
  const Scatter scatter = ScatterOf(statistics, classes, settings.block);
  const LeaveOneOut left_out(scatter, rows, BlockColumns(settings.block, feature_dim));
  if (left_out.row_count() == 0 || classes.size() < 2) return 0;
  const std::vector<double> log_prior = LogPrior(scatter, settings.prior);
  Fit best;
  best.log_loss = 1e300;
  for (const double factor : {1.0, 10.0, 100.0}) {
    const std::optional<Distances> distances = left_out.At(settings.lambda * factor);
    if (!distances) continue;
    const Fit fit = FitTemperature(left_out.UnseenBy(*distances, log_prior));
    if (fit.log_loss < best.log_loss) best = fit;
  }
  return best.accuracy * static_cast<double>(left_out.row_count()) /
         static_cast<double>(rows.size());
}

int Doublings(std::int64_t first, std::int64_t examples) {
  int doublings = 0;
  for (std::int64_t size = first; size * 3 / 2 < examples; size *= 2) ++doublings;
  return doublings;
}

double Power(double base, int exponent) {
  double power = 1;
  for (int i = 0; i < exponent; ++i) power *= base;
  return power;
}

// error = a + b decay^k, k the doublings since the first point.
struct Curve {
  double floor = 0, drop = 0, decay = 0, misfit = 1e300;
  double At(int doublings) const { return floor + drop * Power(decay, doublings); }
};

Curve FitCurve(const std::vector<CurvePoint>& points, double decay) {
  double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
  for (const CurvePoint& point : points) {
    const auto weight = static_cast<double>(point.examples);
    const double x = Power(decay, Doublings(points.front().examples, point.examples));
    const double y = 1 - point.accuracy;
    w += weight, wx += weight * x, wy += weight * y, wxx += weight * x * x, wxy += weight * x * y;
  }
  Curve curve;
  curve.decay = decay;
  curve.drop = std::max((w * wxy - wx * wy) / (w * wxx - wx * wx), 0.0);
  curve.floor = (wy - curve.drop * wx) / w;
  if (curve.floor < 0) curve.floor = 0, curve.drop = wxy / wxx;
  curve.misfit = 0;
  for (const CurvePoint& point : points) {
    const double gap =
        1 - point.accuracy - curve.At(Doublings(points.front().examples, point.examples));
    curve.misfit += static_cast<double>(point.examples) * gap * gap;
  }
  return curve;
}

}  // namespace

std::vector<CurvePoint> LearningCurve(const std::vector<Row>& rows, std::int32_t feature_dim,
                                      const Settings& settings) {
  std::vector<CurvePoint> points;
  for (const std::int64_t share : {16, 8, 4, 2}) {
    const std::int64_t count = std::ssize(rows) / share;
    if (count < kRowsMin || count > kRowsMax) continue;
    points.push_back({count, AccuracyOn(LeastHashed(rows, static_cast<std::size_t>(count)),
                                        feature_dim, settings)});
  }
  return points;
}

std::vector<CurvePoint> Forecast(const std::vector<CurvePoint>& points) {
  if (points.size() < 3) return {};
  Curve best;
  for (const double decay : kDecays) {
    const Curve curve = FitCurve(points, decay);
    if (curve.misfit < best.misfit) best = curve;
  }
  const int now = Doublings(points.front().examples, points.back().examples);
  return {{points.back().examples * 2, 1 - best.At(now + 1)},
          {points.back().examples * 4, 1 - best.At(now + 2)}};
}

}  // namespace ctt::learn
