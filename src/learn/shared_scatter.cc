#include "learn/shared_scatter.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"

namespace ctt::learn {
namespace {

void AddLabelOffsets(const Statistics& statistics, std::int32_t begin, Scatter& scatter) {
  scatter.class_count = statistics.label_count();
  for (const auto& [label, held] : statistics.classes()) {
    const auto count = static_cast<double>(held.count);
    scatter.counts.push_back(count);
    for (std::int64_t j = 0; j < scatter.dim; ++j)
      scatter.offsets.push_back(static_cast<double>(held.sum[begin + j]) / count - scatter.mean[j]);
  }
}

// y = whole + rest, whole the integer part of the mean: every difference of large sums is exact.
void AddNumberOffset(const Statistics& statistics, std::int32_t begin, Scatter& scatter) {
  const Int128 n = statistics.example_count();
  const Int128 whole = statistics.number_sum() / n, rest = statistics.number_sum() % n;
  scatter.class_count = 1;
  scatter.counts = {scatter.example_count};
  for (std::int64_t j = 0; j < scatter.dim; ++j) {
    const Int128 sum = statistics.total().sum[begin + j];
    const auto exact = static_cast<double>(statistics.number_sums()[begin + j] - whole * sum);
    scatter.offsets.push_back(exact - static_cast<double>(rest * sum) / scatter.example_count);
  }
}

}  // namespace

Scatter SharedScatterOf(const Statistics& statistics, Block block) {
  const Columns columns = BlockColumns(block, statistics.feature_dim());
  const std::int64_t dim = columns.size;
  Scatter scatter;
  scatter.dim = dim;
  scatter.example_count = static_cast<double>(statistics.example_count());
  scatter.within.resize(dim * dim);
  for (std::int64_t j = 0; j < dim; ++j) {
    const auto sum = static_cast<double>(statistics.total().sum[columns.begin + j]);
    scatter.mean.push_back(sum / scatter.example_count);
  }
  std::vector<double> row(statistics.feature_dim());
  double trace = 0;
  for (std::int64_t i = 0; i < dim; ++i) {
    const auto at = static_cast<std::int32_t>(columns.begin + i);
    const std::span<double> rest(row.data(), row.size() - at);
    statistics.GramRow(at, rest);
    double* out = scatter.within.data() + i * dim + i;
    std::copy_n(rest.begin(), dim - i, out);
    const auto sum = static_cast<double>(statistics.total().sum[at]);
    kernels::Algebra().add_rows(dim - i, 1, -1.0, &sum, 1, scatter.mean.data() + i, dim, out);
    trace += *out;
  }
  const double tau = trace / static_cast<double>(dim);
  scatter.tau = tau > 1e-6 ? tau : 1.0;  // As ScatterOf.
  if (statistics.kind() == TaskKind::kMulti)
    AddLabelOffsets(statistics, columns.begin, scatter);
  else
    AddNumberOffset(statistics, columns.begin, scatter);
  return scatter;
}

double MeanUnits(const Statistics& statistics) {
  const Int128 n = statistics.example_count();
  const Int128 whole = statistics.number_sum() / n, rest = statistics.number_sum() % n;
  return static_cast<double>(whole) + static_cast<double>(rest) / static_cast<double>(n);
}

}  // namespace ctt::learn
