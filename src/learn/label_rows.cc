#include "learn/label_rows.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "learn/logarithm.h"

namespace ctt::learn {
namespace {

constexpr double kLeverageFloor = 1e-9;

}  // namespace

LabelShape ShapeOf(double count, double n, double s) {
  LabelShape shape{count, n - count, n, s, 1};
  if (shape.tells()) shape.shrink = std::max(1 - shape.b() * s, kLeverageFloor);
  return shape;
}

LabelShape ShapeOf(const Scatter& scatter, const Products& products, std::int64_t label) {
  return ShapeOf(scatter.counts[label], scatter.example_count,
                 products.norms[label * scatter.class_count + label]);
}

LabelRows::LabelRows(const Statistics& statistics, const Scatter& scatter, const Rows& rows,
                     const ContentRows& sample, Columns columns, Prior prior)
    : scatter_(scatter),
      sample_(sample),
      prior_(prior),
      rotated_(scatter, sample.PhiFrom(columns.begin)) {
  std::map<std::string_view, std::int64_t> place;
  for (const auto& [label, held] : statistics.classes())
    place.emplace(label, static_cast<std::int64_t>(place.size()));
  holds_.resize(static_cast<std::size_t>(scatter.class_count * row_count()));
  for (std::int64_t i = 0; i < row_count(); ++i)
    for (const std::int32_t index : rows.label_sets[sample.rows[i]])
      holds_[static_cast<std::size_t>(place.at(rows.labels[index]) * row_count() + i)] = 1;
}

// dist_1 - dist_0 by the formulas of leave_one_out.h: class 1 lies at nu, class 0 at -(p / q) nu.
double LabelRows::LeftOutDifference(const LabelShape& shape, double own, double t,
                                    bool holds) const {
  const double at[2] = {-shape.p / shape.q, 1};
  const double x = own + shape.b() * t * t / shape.shrink;
  const double g = t / shape.shrink, s = shape.s / shape.shrink;
  const int y = holds ? 1 : 0;
  const double count = holds ? shape.p : shape.q, k = count / (count - 1);
  const double r = x - 2 * at[y] * g + at[y] * at[y] * s;
  const double gain = k / std::max(1 - k * r, kLeverageFloor);
  const double other = at[1 - y];
  const double cross = x - (other + at[y]) * g + other * at[y] * s;
  const double far = x - 2 * other * g + other * other * s + gain * cross * cross;
  const double near = k * k * (r + gain * r * r);
  return holds ? near - far : far - near;
}

LabelView LabelRows::View(const Products& products, std::int64_t label) const {
  const LabelShape shape = ShapeOf(scatter_, products, label);
  const std::int64_t padded = rotated_.padded();
  const double* dots = products.dots.data() + label * padded;
  LabelView view;
  view.distances.resize(2 * padded);
  double* differences = view.distances.data() + padded;
  for (std::size_t group = 0; group + 1 < sample_.groups.size(); ++group) {
    for (const bool wanted : {false, true}) {
      for (std::size_t i = sample_.groups[group]; i < sample_.groups[group + 1]; ++i) {
        const auto row = static_cast<std::int64_t>(i);
        if (Holds(label, row) != wanted) continue;
        differences[view.labels.size()] =
            LeftOutDifference(shape, products.own[i], dots[i], wanted);
        view.labels.push_back(wanted ? 1 : 0);
        view.position.push_back(static_cast<std::int32_t>(i));
      }
    }
  }
  view.log_prior = {0, prior_ == Prior::kEmpirical ? Log(shape.p / shape.q) : 0};
  return view;
}

// 2 t - s with the row left out of T, of m and of the label. With k = n / (n - 1), x' = k x, and T'
// = T - k x x^T; nu' = alpha nu + gamma x.
double LabelRows::LeftOutNearness(const LabelShape& shape, double own, double t, bool holds) const {
  const double k = shape.n / (shape.n - 1);
  const double alpha = holds ? shape.p / (shape.p - 1) : 1;
  const double gamma = 1 / (shape.n - 1) - (holds ? 1 / (shape.p - 1) : 0);
  const double c = k / std::max(1 - k * own, kLeverageFloor);
  const double xx = own + c * own * own, nx = t + c * t * own, nn = shape.s + c * t * t;
  const double left_t = k * (alpha * nx + gamma * xx);
  const double left_s = alpha * alpha * nn + 2 * alpha * gamma * nx + gamma * gamma * xx;
  return 2 * left_t - left_s;
}

std::vector<double> LabelRows::ScopeScores(const Products& products) const {
  std::vector<double> scores(static_cast<std::size_t>(row_count()), -1e300);
  for (std::int64_t label = 0; label < scatter_.class_count; ++label) {
    const LabelShape shape = ShapeOf(scatter_, products, label);
    const double* dots = products.dots.data() + label * rotated_.padded();
    for (std::int64_t i = 0; i < row_count(); ++i) {
      const bool holds = Holds(label, i);
      const bool vanishes = holds ? shape.p <= 1 : shape.q <= 1;
      if (!shape.tells() || vanishes) continue;
      scores[i] = std::max(scores[i], LeftOutNearness(shape, products.own[i], dots[i], holds));
    }
  }
  std::erase(scores, -1e300);
  std::sort(scores.begin(), scores.end());
  return scores;
}

Status CheckLabelRows(const Statistics& statistics, const Rows& rows) {
  const auto n = static_cast<std::size_t>(statistics.example_count());
  if (rows.label_sets.size() != n ||
      rows.phi.size() != n * static_cast<std::size_t>(statistics.feature_dim()))
    return InvalidArgument("the rows hold other examples than the statistics");
  std::vector<std::int64_t> counts(rows.labels.size());
  for (const std::vector<std::int32_t>& set : rows.label_sets) {
    for (const std::int32_t index : set) {
      if (index < 0 || index >= std::ssize(counts))
        return InvalidArgument("a row refers to a label that is not there");
      ++counts[index];
    }
  }
  std::map<std::string_view, std::int64_t> held;
  for (std::size_t c = 0; c < counts.size(); ++c)
    if (counts[c] > 0) held[rows.labels[c]] += counts[c];
  const auto same = [](const auto& row, const auto& sum) {
    return row.first == sum.first && row.second == sum.second.count;
  };
  const auto& classes = statistics.classes();
  if (!std::equal(held.begin(), held.end(), classes.begin(), classes.end(), same))
    return InvalidArgument("the rows hold other examples than the statistics");
  return Status::Ok();
}

}  // namespace ctt::learn
