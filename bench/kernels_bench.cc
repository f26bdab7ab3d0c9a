// Every fp32 kernel on the model's shapes, for each ISA of this CPU: GFLOP/s (or elements/s) and,
// for products and attention, the share of the multiply-add rate that the same ISA reaches in
// registers.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "kernels/f32_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ctt::kernels {
namespace {

using benchmark::Counter;

constexpr std::int32_t kWidth = 384;
constexpr std::int32_t kHeads = 12;
constexpr int kPeakSteps = 1 << 18;

// Each runs kPeakSteps steps of 12 independent chains and returns the floating point operations
// done.
#if defined(__x86_64__)
__attribute__((target("avx512f"))) double SpinAvx512() {
  __m512 sum[12];
  for (auto& s : sum) s = _mm512_set1_ps(1.0F);
  const __m512 factor = _mm512_set1_ps(0.5F);
  for (int i = 0; i < kPeakSteps; ++i)
    for (auto& s : sum) s = _mm512_fmadd_ps(s, factor, factor);
  for (auto& s : sum) benchmark::DoNotOptimize(s[0]);
  return 2.0 * 16 * 12 * kPeakSteps;
}
__attribute__((target("avx2,fma"))) double SpinAvx2() {
  __m256 sum[12];
  for (auto& s : sum) s = _mm256_set1_ps(1.0F);
  const __m256 factor = _mm256_set1_ps(0.5F);
  for (int i = 0; i < kPeakSteps; ++i)
    for (auto& s : sum) s = _mm256_fmadd_ps(s, factor, factor);
  for (auto& s : sum) benchmark::DoNotOptimize(s[0]);
  return 2.0 * 8 * 12 * kPeakSteps;
}
#endif

// The best of some runs, in operations a second; 0 where no such loop is written.
double PeakFlops(Isa isa) {
  double (*spin)() = nullptr;
#if defined(__x86_64__)
  const bool wide = isa == Isa::kAvx512 || isa == Isa::kAvx512Vnni;
  spin = wide ? SpinAvx512 : isa == Isa::kReference ? nullptr : SpinAvx2;
#endif
  if (spin == nullptr) return 0;
  double best = 0;
  for (int run = 0; run < 20; ++run) {
    const auto start = std::chrono::steady_clock::now();
    const double operations = spin();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, operations / seconds.count());
  }
  return best;
}

// Floats in [-1, 1) that begin on a cache line.
class Made {
 public:
  explicit Made(std::size_t count) : floats_(count + 16) {
    std::uint32_t state = 1;
    for (float& x : floats_) {
      state = state * 1664525U + 1013904223U;
      x = static_cast<float>(static_cast<std::int32_t>(state)) * 0x1p-31F;
    }
  }
  float* data() {
    const std::size_t off = reinterpret_cast<std::uintptr_t>(floats_.data()) % 64 / sizeof(float);
    return floats_.data() + (16 - off) % 16;
  }

 private:
  std::vector<float> floats_;
};

void ReportFlops(benchmark::State& state, double flops_a_call, double peak) {
  const double flops = flops_a_call * static_cast<double>(state.iterations());
  state.counters["GFLOP/s"] = Counter(flops * 1e-9, Counter::kIsRate);
  if (peak > 0) state.counters["%peak"] = Counter(100 * flops / peak, Counter::kIsRate);
}

void RunGemm(benchmark::State& state, Isa isa, double peak, std::int32_t rows, std::int32_t k,
             std::int32_t n, Epilogue epilogue) {
  Made a(std::size_t(rows) * k), b(std::size_t(k) * n), c(std::size_t(rows) * n), bias(n),
      residual(std::size_t(rows) * n);
  const GemmF32 gemm = {.a = a.data(),
                        .a_stride = k,
                        .b = b.data(),
                        .b_stride = 16 * k,
                        .c = c.data(),
                        .c_row_stride = n,
                        .rows = rows,
                        .k = k,
                        .panels = n / 16,
                        .epilogue = epilogue,
                        .bias = bias.data(),
                        .residual = residual.data(),
                        .residual_stride = n};
  for (auto _ : state) {
    GetF32Kernels(isa).gemm(gemm);
    benchmark::ClobberMemory();
  }
  ReportFlops(state, 2.0 * rows * k * n, peak);
}

void RunAttention(benchmark::State& state, Isa isa, double peak, std::int32_t texts,
                  std::int32_t tokens) {
  const std::int32_t rows = texts * tokens;
  std::vector<std::int32_t> offsets;
  for (std::int32_t t = 0; t <= texts; ++t) offsets.push_back(t * tokens);
  Made qkv(std::size_t(3) * rows * kWidth), context(std::size_t(rows) * kWidth),
      scratch(AttentionScratchFloats(tokens, kWidth, kHeads));
  for (auto _ : state) {
    GetF32Kernels(isa).attention({.qkv = qkv.data(),
                                  .rows = rows,
                                  .width = kWidth,
                                  .heads = kHeads,
                                  .offsets = offsets.data(),
                                  .texts = texts,
                                  .context = context.data(),
                                  .scratch = scratch.data()});
    benchmark::ClobberMemory();
  }
  ReportFlops(state, 4.0 * rows * tokens * kWidth, peak);
}

void ReportElements(benchmark::State& state, std::int32_t elements) {
  state.counters["elements/s"] =
      Counter(static_cast<double>(state.iterations()) * elements, Counter::kIsRate);
}

void RunLayerNorm(benchmark::State& state, Isa isa) {
  constexpr std::int32_t kRows = 128;
  Made x(std::size_t(kRows) * kWidth), gamma(kWidth), beta(kWidth);
  for (auto _ : state) {
    GetF32Kernels(isa).layer_norm({.x = x.data(),
                                   .rows = kRows,
                                   .width = kWidth,
                                   .gamma = gamma.data(),
                                   .beta = beta.data(),
                                   .epsilon = 1e-12F});
    benchmark::ClobberMemory();
  }
  ReportElements(state, kRows * kWidth);
}

void RunEmbed(benchmark::State& state, Isa isa) {
  constexpr std::int32_t kRows = 128, kVocabulary = 30000;
  Made x(std::size_t(kRows) * kWidth), gamma(kWidth), beta(kWidth), position(kRows * kWidth),
      word(std::size_t(kVocabulary) * kWidth);
  std::vector<std::int32_t> ids(kRows);
  for (std::int32_t i = 0; i < kRows; ++i) ids[i] = i * 7919 % kVocabulary;
  const std::int32_t offsets[] = {0, kRows};
  for (auto _ : state) {
    GetF32Kernels(isa).embed({.ids = ids.data(),
                              .offsets = offsets,
                              .texts = 1,
                              .word = word.data(),
                              .position = position.data(),
                              .norm = {.x = x.data(),
                                       .rows = kRows,
                                       .width = kWidth,
                                       .gamma = gamma.data(),
                                       .beta = beta.data(),
                                       .epsilon = 1e-12F}});
    benchmark::ClobberMemory();
  }
  ReportElements(state, kRows * kWidth);
}

void RunPool(benchmark::State& state, Isa isa) {
  constexpr std::int32_t kRows = 64;
  Made x(std::size_t(kRows) * kWidth), unit(kWidth);
  for (auto _ : state) {
    GetF32Kernels(isa).pool({.x = x.data(), .rows = kRows, .width = kWidth, .unit = unit.data()});
    benchmark::ClobberMemory();
  }
  ReportElements(state, kRows * kWidth);
}

void RunElementwise(benchmark::State& state, void (*function)(const float*, float*, std::size_t)) {
  constexpr std::int32_t kCount = 4096;
  Made x(kCount), y(kCount);
  for (std::int32_t i = 0; i < kCount; ++i) x.data()[i] = -8.0F + x.data()[i] * 8.0F;
  for (auto _ : state) {
    function(x.data(), y.data(), kCount);
    benchmark::ClobberMemory();
  }
  ReportElements(state, kCount);
}

void RegisterProducts(const std::string& isa_name, Isa isa, double peak) {
  struct Shape {
    const char* name;
    std::int32_t k, n;
    Epilogue epilogue;
  };
  constexpr Shape kShapes[] = {{"qkv", 384, 1152, Epilogue::kBias},
                               {"attention", 384, 384, Epilogue::kBiasResidual},
                               {"up", 384, 1536, Epilogue::kBiasGelu},
                               {"down", 1536, 384, Epilogue::kBiasResidual}};
  for (const Shape& shape : kShapes)
    for (const std::int32_t rows : {1, 12, 128, 256})
      benchmark::RegisterBenchmark(
          ("gemm/" + isa_name + "/" + shape.name + "/" + std::to_string(rows)).c_str(),
          [=](auto& state) { RunGemm(state, isa, peak, rows, shape.k, shape.n, shape.epilogue); });
  for (const std::int32_t tokens : {12, 70, 256})
    benchmark::RegisterBenchmark(
        ("attention/" + isa_name + "/" + std::to_string(tokens)).c_str(),
        [=](auto& state) { RunAttention(state, isa, peak, 256 / tokens, tokens); });
}

void RegisterAll(Isa isa) {
  const std::string name(IsaName(isa));
  const F32Kernels& kernels = GetF32Kernels(isa);
  RegisterProducts(name, isa, PeakFlops(isa));
  const auto add = [&](const char* kernel, auto run) {
    benchmark::RegisterBenchmark((std::string(kernel) + "/" + name).c_str(), run);
  };
  add("layer_norm", [=](auto& state) { RunLayerNorm(state, isa); });
  add("embed", [=](auto& state) { RunEmbed(state, isa); });
  add("pool", [=](auto& state) { RunPool(state, isa); });
  add("gelu", [gelu = kernels.gelu](auto& state) { RunElementwise(state, gelu); });
  add("exp", [exp = kernels.exp](auto& state) { RunElementwise(state, exp); });
}

const bool kRegistered = [] {
  std::vector<const F32Kernels*> seen;  // Two ISAs may share one body.
  for (const Isa isa : PresentIsas()) {
    const F32Kernels* kernels = &GetF32Kernels(isa);
    if (isa == Isa::kReference || std::find(seen.begin(), seen.end(), kernels) != seen.end())
      continue;
    seen.push_back(kernels);
    RegisterAll(isa);
  }
  return true;
}();

}  // namespace
}  // namespace ctt::kernels

BENCHMARK_MAIN();
