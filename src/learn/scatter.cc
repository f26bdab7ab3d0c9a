#include "learn/scatter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/algebra.h"
#include "learn/logarithm.h"

namespace ctt::learn {
namespace {

constexpr std::int64_t kRowsAtOnce = 48;

void SubtractClassShares(const std::vector<double>& sums, Scatter& scatter) {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  const std::int64_t dim = scatter.dim, classes = scatter.class_count;
  std::vector<double> means(sums);
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t j = 0; j < dim; ++j) means[c * dim + j] /= scatter.counts[c];
  for (std::int64_t i = 0; i < dim; i += kRowsAtOnce) {
    const std::int64_t rows = std::min(kRowsAtOnce, dim - i);
    algebra.multiply_add(rows, dim - i, classes, -1.0, {sums.data() + i, 1, dim},
                         {means.data() + i, dim, 1}, scatter.within.data() + i * dim + i, dim);
    for (std::int64_t r = 1; r < rows; ++r)  // The tile's own lower corner.
      std::fill_n(scatter.within.begin() + (i + r) * dim + i, r, 0.0);
  }
  for (std::int64_t c = 0; c < classes; ++c)
    for (std::int64_t j = 0; j < dim; ++j)
      scatter.offsets[c * dim + j] = means[c * dim + j] - scatter.mean[j];
}

}  // namespace

std::vector<ContentClass> ContentOrder(const Statistics& statistics) {
  std::vector<ContentClass> classes;
  for (const auto& [label, sums] : statistics.classes()) classes.push_back({label, &sums});
  std::stable_sort(classes.begin(), classes.end(),
                   [](const ContentClass& a, const ContentClass& b) {
                     if (a.sums->count != b.sums->count) return a.sums->count < b.sums->count;
                     return a.sums->sum < b.sums->sum;
                   });
  return classes;
}

Columns BlockColumns(Block block, std::int32_t feature_dim) {
  const std::int32_t half = feature_dim / 2;
  if (half == 0) return {0, feature_dim};  // One column has no halves.
  if (block == Block::kLast) return {0, half};
  if (block == Block::kLayer4) return {half, feature_dim - half};
  return {0, feature_dim};
}

Scatter ScatterOf(const Statistics& statistics, const std::vector<ContentClass>& classes,
                  Block block) {
  const Columns columns = BlockColumns(block, statistics.feature_dim());
  const std::int64_t dim = columns.size;
  Scatter scatter;
  scatter.dim = dim;
  scatter.class_count = static_cast<std::int64_t>(classes.size());
  scatter.example_count = static_cast<double>(statistics.example_count());
  scatter.mean.resize(dim);
  scatter.offsets.resize(scatter.class_count * dim);
  scatter.within.resize(dim * dim);
  std::vector<double> sums(scatter.class_count * dim);
  std::vector<std::int64_t> total(dim);
  for (std::int64_t c = 0; c < scatter.class_count; ++c) {
    scatter.counts.push_back(static_cast<double>(classes[c].sums->count));
    for (std::int64_t j = 0; j < dim; ++j) {
      total[j] += classes[c].sums->sum[columns.begin + j];
      sums[c * dim + j] = static_cast<double>(classes[c].sums->sum[columns.begin + j]);
    }
  }
  std::vector<double> row(statistics.feature_dim());
  double trace = 0;
  for (std::int64_t i = 0; i < dim; ++i) {
    const auto at = static_cast<std::int32_t>(columns.begin + i);
    const std::span<double> rest(row.data(), row.size() - at);
    statistics.GramRow(at, rest);
    std::copy_n(rest.begin(), dim - i, scatter.within.begin() + i * dim + i);
    const auto sum = static_cast<double>(total[i]);
    scatter.mean[i] = sum / scatter.example_count;
    trace += std::fma(-sum, scatter.mean[i], rest[0]);
  }
  const double tau = trace / static_cast<double>(dim);
  // Equal rows leave rounding dust at most: far below one step of the quantiser squared.
  scatter.tau = tau > 1e-6 ? tau : 1.0;
  SubtractClassShares(sums, scatter);
  return scatter;
}

std::vector<double> TakeShrunk(Scatter& scatter, double lambda) {
  std::vector<double> m = std::exchange(scatter.within, {});
  for (std::int64_t i = 0; i < scatter.dim; ++i)
    m[i * scatter.dim + i] = std::fma(lambda, scatter.tau, m[i * scatter.dim + i]);
  return m;
}

std::vector<double> LogPrior(const Scatter& scatter, Prior prior) {
  std::vector<double> log_prior(scatter.class_count);
  for (std::int64_t c = 0; c < scatter.class_count; ++c)
    log_prior[c] = prior == Prior::kEmpirical ? Log(scatter.counts[c] / scatter.example_count)
                                              : Log(1.0 / static_cast<double>(scatter.class_count));
  return log_prior;
}

}  // namespace ctt::learn
