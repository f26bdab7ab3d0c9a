// What learning costs on one core, D = 768: `bench_learn --benchmark_filter=...`. Rows are random,
// in C clusters, so that accuracy is a real figure and settling does its usual work.
#include <algorithm>
#include <random>

#include <benchmark/benchmark.h>

#include "kernels/algebra.h"
#include "learn/cholesky.h"
#include "learn/choose_discriminant.h"
#include "learn/choose_logistic.h"
#include "learn/solve.h"
#include "learn/statistics.h"

namespace ctt::learn {
namespace {

constexpr std::int32_t kDim = 768;

Rows MakeRows(std::int64_t count, std::int32_t labels) {
  std::mt19937 random(1);
  const auto bell = [&] {  // Sum of four uniforms: near enough to normal, the same everywhere.
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<double>(random()) / 4294967296.0 - 0.5;
    return sum;
  };
  std::vector<double> centres(static_cast<std::size_t>(labels) * kDim);
  for (double& x : centres) x = 14 * bell();
  Rows rows;
  for (std::int32_t c = 0; c < labels; ++c) rows.labels.push_back("label " + std::to_string(c));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<std::int32_t>(i % labels);
    rows.label_index.push_back(label);
    for (std::int32_t j = 0; j < kDim; ++j) {
      const double x = centres[static_cast<std::size_t>(label) * kDim + j] + 30 * bell();
      rows.phi.push_back(static_cast<std::int8_t>(std::clamp(x, -127.0, 127.0)));
    }
  }
  return rows;
}

std::vector<std::string> LabelsOf(const Rows& rows) {
  std::vector<std::string> labels;
  for (const std::int32_t index : rows.label_index) labels.push_back(rows.labels[index]);
  return labels;
}

Statistics StatisticsOf(const Rows& rows) {
  Statistics statistics(kDim);
  if (!statistics.Add(rows.phi, LabelsOf(rows)).ok()) std::abort();
  return statistics;
}

// Arg: rows a call. The counter is seconds a row.
void AddRows(benchmark::State& state) {
  const Rows rows = MakeRows(state.range(0), 8);
  const std::vector<std::string> labels = LabelsOf(rows);
  Statistics statistics(kDim);
  for (auto _ : state)
    if (!statistics.Add(rows.phi, labels).ok() || !statistics.Remove(rows.phi, labels).ok())
      std::abort();
  state.counters["s_per_row"] =
      benchmark::Counter(2.0 * static_cast<double>(state.iterations() * state.range(0)),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(AddRows)->Arg(1)->Arg(2)->Arg(64)->Arg(1024)->Unit(benchmark::kMicrosecond);

// Args: labels, block. One lesson's solve.
void SolveHead(benchmark::State& state) {
  const Statistics statistics =
      StatisticsOf(MakeRows(2000, static_cast<std::int32_t>(state.range(0))));
  Settings settings = StartingSettings(statistics);
  settings.block = static_cast<Block>(state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(Solve(statistics, settings));
}
BENCHMARK(SolveHead)->ArgsProduct({{2, 77, 150}, {0, 2}})->Unit(benchmark::kMillisecond);

// Args: rows, labels. Below 10 labels, or where A answers better, B is not fitted.
void SettleTask(benchmark::State& state) {
  const Rows rows = MakeRows(state.range(0), static_cast<std::int32_t>(state.range(1)));
  const Statistics statistics = StatisticsOf(rows);
  for (auto _ : state) {
    const Result<Settled> settled = Settle(statistics, rows, {}, nullptr);
    if (!settled.ok()) std::abort();
    state.counters["accuracy"] = settled->report.loo_accuracy;
    state.counters["head_b"] = settled->head.settings().kind == HeadKind::kLogistic ? 1 : 0;
  }
}
BENCHMARK(SettleTask)
    ->Args({100, 4})
    ->Args({10000, 4})
    ->Args({1000, 77})
    ->Args({10000, 77})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(2);

// Args: rows, labels. Head A alone: every block, lambda and temperature, by leave-one-out.
void ChooseHeadA(benchmark::State& state) {
  const Rows rows = MakeRows(state.range(0), static_cast<std::int32_t>(state.range(1)));
  const Statistics statistics = StatisticsOf(rows);
  for (auto _ : state) {
    const Result<RowOrder> order = OrderRows(statistics, rows);
    if (!order.ok()) std::abort();
    std::vector<Candidate> candidates;
    benchmark::DoNotOptimize(ChooseDiscriminant(
        statistics, *order, LeastHashed(order->rows, kJudgedRowsMax), {}, nullptr, candidates));
  }
}
BENCHMARK(ChooseHeadA)->Args({10000, 77})->Unit(benchmark::kMillisecond)->Iterations(3);

// Args: rows, labels. Head B alone: its ridge on rows held out, then the fit to all rows.
void FitHeadB(benchmark::State& state) {
  const Rows rows = MakeRows(state.range(0), static_cast<std::int32_t>(state.range(1)));
  const Statistics statistics = StatisticsOf(rows);
  for (auto _ : state) {
    const Result<RowOrder> order = OrderRows(statistics, rows);
    if (!order.ok()) std::abort();
    const Scatter scatter = ScatterOf(statistics, order->classes, Block::kBoth);
    const Logistic logistic(scatter, {0, kDim});
    const std::vector<Split> splits = SplitsOf(order->rows, scatter.class_count);
    const SettleOptions options;
    std::vector<Candidate> candidates;
    const auto trial = ChooseRho(
        {logistic, splits, scatter.class_count, Block::kBoth, options, nullptr, candidates});
    benchmark::DoNotOptimize(logistic.Fit(order->rows, trial->bound, 1, nullptr));
  }
}
BENCHMARK(FitHeadB)->Args({10000, 77})->Unit(benchmark::kMillisecond)->Iterations(3);

void PredictRow(benchmark::State& state) {
  const Rows rows = MakeRows(2000, static_cast<std::int32_t>(state.range(0)));
  const Statistics statistics = StatisticsOf(rows);
  const Result<Head> head = Solve(statistics, StartingSettings(statistics));
  const std::span<const std::int8_t> phi(rows.phi.data(), kDim);
  for (auto _ : state) benchmark::DoNotOptimize(head->Predict(phi));
}
BENCHMARK(PredictRow)->Arg(2)->Arg(16)->Arg(77)->Arg(300)->Unit(benchmark::kMicrosecond);

void SerializeSums(benchmark::State& state) {
  const Statistics statistics = StatisticsOf(MakeRows(2000, 77));
  for (auto _ : state) benchmark::DoNotOptimize(statistics.Serialize());
}
BENCHMARK(SerializeSums)->Unit(benchmark::kMillisecond);

void FactorMatrix(benchmark::State& state) {
  const std::int64_t dim = state.range(0);
  std::vector<double> m(dim * dim, 1.0);
  for (std::int64_t i = 0; i < dim; ++i) m[i * dim + i] = static_cast<double>(dim);
  for (auto _ : state) benchmark::DoNotOptimize(Cholesky::Factor(m, dim));
  state.counters["GFLOP/s"] = benchmark::Counter(
      static_cast<double>(state.iterations() * dim * dim * dim) / 3e9, benchmark::Counter::kIsRate);
}
BENCHMARK(FactorMatrix)->Arg(384)->Arg(768)->Unit(benchmark::kMillisecond);

template <typename T>
void Multiply(benchmark::State& state) {
  const std::int64_t m = state.range(0), n = state.range(1), k = state.range(2);
  std::vector<T> a(m * k, T(0.5)), b(k * n, T(0.25)), c(m * n);
  for (auto _ : state) {
    if constexpr (std::is_same_v<T, double>)
      kernels::Algebra().multiply_add(m, n, k, 1, {a.data(), k, 1}, {b.data(), n, 1}, c.data(), n);
    else
      kernels::Algebra().multiply_add_f32(m, n, k, 1, {a.data(), k, 1}, {b.data(), n, 1}, c.data(),
                                          n);
    benchmark::ClobberMemory();
  }
  state.counters["GFLOP/s"] = benchmark::Counter(
      static_cast<double>(state.iterations() * 2 * m * n * k) / 1e9, benchmark::Counter::kIsRate);
}
BENCHMARK(Multiply<double>)
    ->Args({768, 768, 768})
    ->Args({77, 4096, 768})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(Multiply<float>)
    ->Args({77, 256, 768})
    ->Args({77, 768, 256})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ctt::learn

BENCHMARK_MAIN();
