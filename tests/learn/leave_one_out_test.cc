#include "learn/leave_one_out.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <gtest/gtest.h>

#include "learn/cholesky.h"
#include "tests/learn/random_rows.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 8;

// A small task with one label of a single example, which has no leave-one-out answer.
Rows SmallTask(std::int64_t count = 24) {
  Rows rows = RandomRows(count, kDim, 3, 11, 60);
  rows.labels.push_back("alone");
  rows.label_index.push_back(3);
  for (int j = 0; j < kDim; ++j) rows.phi.push_back(static_cast<std::int8_t>(10 * j - 30));
  return rows;
}

// |v|^2 under the inverse of m, by a factorisation of its own.
double SquaredNorm(const std::vector<double>& m, const std::vector<double>& v) {
  std::vector<double> x = v;
  Cholesky::Factor(m, static_cast<std::int64_t>(v.size()))->Solve(x, 1);
  double sum = 0;
  for (std::size_t i = 0; i < v.size(); ++i) sum += v[i] * x[i];
  return sum;
}

std::vector<double> Difference(const std::int8_t* phi, const std::vector<double>& centre) {
  std::vector<double> d(centre.size());
  for (std::size_t j = 0; j < d.size(); ++j) d[j] = phi[j] - centre[j];
  return d;
}

// What brute force says about row `left`: all sums anew without it, lambda tau as before.
struct Brute {
  std::vector<double> distances;  // [C], content order of the full task
  double relative, scope;
  double terms;  // The sum of the sizes of what `scope` adds up, which may nearly cancel.
};
Brute LeaveOut(const RowOrder& order, std::size_t left, double shift, double spread) {
  const std::size_t classes = order.classes.size();
  std::vector<double> counts(classes), mean(kDim);
  std::vector<std::vector<double>> means(classes, std::vector<double>(kDim));
  double n = 0;
  for (std::size_t i = 0; i < order.rows.size(); ++i) {
    if (i == left) continue;
    const Row& row = order.rows[i];
    counts[row.label] += 1, n += 1;
    for (int j = 0; j < kDim; ++j) means[row.label][j] += row.phi[j], mean[j] += row.phi[j];
  }
  for (std::size_t c = 0; c < classes; ++c)
    for (double& x : means[c]) x /= counts[c];
  for (double& x : mean) x /= n;
  std::vector<double> within(kDim * kDim), total(kDim * kDim);
  for (int j = 0; j < kDim; ++j) within[j * kDim + j] = total[j * kDim + j] = shift;
  for (std::size_t i = 0; i < order.rows.size(); ++i) {
    if (i == left) continue;
    const auto d = Difference(order.rows[i].phi, means[order.rows[i].label]);
    const auto e = Difference(order.rows[i].phi, mean);
    for (int a = 0; a < kDim; ++a)
      for (int b = 0; b < kDim; ++b)
        within[a * kDim + b] += d[a] * d[b], total[a * kDim + b] += e[a] * e[b];
  }
  Brute brute;
  for (std::size_t c = 0; c < classes; ++c)
    brute.distances.push_back(SquaredNorm(within, Difference(order.rows[left].phi, means[c])));
  const auto x = Difference(order.rows[left].phi, mean);
  const double nearest = *std::min_element(brute.distances.begin(), brute.distances.end());
  brute.relative = SquaredNorm(total, x) - nearest;
  const double length = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
  const double own = SquaredNorm(within, x);
  brute.scope = (brute.relative + own - nearest - spread * length) / 2;
  brute.terms = 1 + own + nearest + spread * length;
  return brute;
}

struct Case {
  std::int64_t rows;
  double lambda, bound;
};
// Bounds: each side takes some 1e3 operations, whose errors of 1e-16 grow with the condition of M,
// 1e2 to 1e6, and with 1 / (1 - leverage). Few rows and a small lambda bring leverages near 1. They
// are of each term; a scope score is the difference of terms that may be far larger than itself.
constexpr Case kCases[] = {{24, 0.3, 1e-10}, {9, 0.3, 1e-10}, {9, 1e-3, 1e-8}, {7, 1e-5, 1e-5}};

TEST(LeaveOneOutTest, EqualsBruteForce) {
  for (const Case& at : kCases) {
    const Rows rows = SmallTask(at.rows);
    const Statistics statistics = StatisticsOf(rows, kDim);
    const Result<RowOrder> order = OrderRows(statistics, rows);
    ASSERT_TRUE(order.ok());
    const Scatter scatter = ScatterOf(statistics, order->classes, Block::kBoth);
    const LeaveOneOut left_out(scatter, order->rows, {0, kDim});
    ASSERT_EQ(left_out.row_count(), at.rows);
    const std::optional<Distances> distances = left_out.At(at.lambda);
    ASSERT_TRUE(distances.has_value());
    const std::int64_t padded = PaddedRows(at.rows);
    const double spread = left_out.Spread(*distances);
    EXPECT_GT(spread, 0);
    std::vector<std::pair<double, double>> scopes, relatives;  // Each with the size of its terms.
    std::int64_t row = 0;
    for (std::size_t i = 0; i < order->rows.size(); ++i) {
      if (scatter.counts[order->rows[i].label] < 2) continue;
      const Brute brute = LeaveOut(*order, i, at.lambda * scatter.tau, spread);
      for (std::int64_t c = 0; c < 4; ++c)
        EXPECT_NEAR(distances->left_out[c * padded + row] / brute.distances[c], 1, at.bound)
            << at.rows << " " << at.lambda << " " << i << " " << c;
      scopes.emplace_back(brute.scope, brute.terms);
      relatives.emplace_back(brute.relative, 1 + std::fabs(brute.relative));
      ++row;
    }
    for (const auto& [wanted, with] : {std::pair{&scopes, spread}, {&relatives, 0.0}}) {
      std::sort(wanted->begin(), wanted->end());
      const std::vector<double> found = left_out.ScopeScores(*distances, with);
      ASSERT_EQ(found.size(), wanted->size());
      for (std::size_t i = 0; i < found.size(); ++i)
        EXPECT_NEAR(found[i], (*wanted)[i].first, at.bound * (*wanted)[i].second)
            << at.rows << " " << at.lambda << " " << i;
    }
  }
}

TEST(LeaveOneOutTest, HalvesOfTheFeaturesAreBlocks) {
  const Rows rows = SmallTask();
  const Statistics statistics = StatisticsOf(rows, kDim);
  const auto classes = ContentOrder(statistics);
  const Scatter both = ScatterOf(statistics, classes, Block::kBoth);
  const Scatter second = ScatterOf(statistics, classes, Block::kLayer4);
  ASSERT_EQ(second.dim, 4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(second.mean[i], both.mean[4 + i]);
    for (int j = i; j < 4; ++j)
      EXPECT_EQ(second.within[i * 4 + j], both.within[(4 + i) * kDim + 4 + j]);
  }
}

// Newton's end against a fine grid of temperatures.
TEST(TemperatureTest, FindsTheLeastLogLoss) {
  const std::int64_t rows = 40, padded = PaddedRows(rows), classes = 3;
  std::mt19937 random(5);
  std::vector<double> distances(classes * padded);
  std::vector<std::int32_t> labels;
  for (std::int64_t i = 0; i < rows; ++i) {
    labels.push_back(static_cast<std::int32_t>(i % classes));
    for (std::int64_t c = 0; c < classes; ++c)
      distances[c * padded + i] =
          static_cast<double>(random() % 1000) / 100 + (c == i % classes ? 0 : 3);
  }
  const std::vector<double> log_prior = {std::log(0.5), std::log(0.3), std::log(0.2)};
  const Unseen unseen{classes, distances, labels, log_prior};
  const auto loss_at = [&](double beta) {
    double sum = 0;
    for (std::int64_t i = 0; i < rows; ++i) {
      double total = 0;
      for (std::int64_t c = 0; c < classes; ++c)
        total += std::exp(-beta / 2 * distances[c * padded + i] + log_prior[c]);
      const std::int32_t y = labels[i];
      sum += std::log(total) + beta / 2 * distances[y * padded + i] - log_prior[y];
    }
    return sum / rows;
  };
  const Fit fit = FitTemperature(unseen);
  EXPECT_NEAR(fit.log_loss, loss_at(fit.beta), 1e-12);
  for (const double factor : {0.9, 0.999, 1.001, 1.1})
    EXPECT_GT(loss_at(fit.beta * factor), fit.log_loss) << factor;
  const std::vector<double> misfits = Misfits(unseen, fit.beta);
  double total = 0;
  for (std::int64_t c = 0; c < classes; ++c)
    total += std::exp(-fit.beta / 2 * distances[c * padded + 7] + log_prior[c]);
  EXPECT_NEAR(misfits[7],
              1 - std::exp(-fit.beta / 2 * distances[padded + 7] + log_prior[1]) / total, 1e-12);
}

// Rows that are all right have no best temperature; it stops within its range.
TEST(TemperatureTest, StaysFiniteWhenEveryRowIsRight) {
  const std::vector<double> distances = [] {
    std::vector<double> d(2 * PaddedRows(2));
    d[1] = 4, d[PaddedRows(2)] = 4;
    return d;
  }();
  const std::vector<std::int32_t> labels = {0, 1};
  const std::vector<double> log_prior = {0, 0};
  const Fit fit = FitTemperature({2, distances, labels, log_prior});
  EXPECT_TRUE(std::isfinite(fit.beta));
  EXPECT_EQ(fit.accuracy, 1);
}

}  // namespace
}  // namespace ctt::learn
