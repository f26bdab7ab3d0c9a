// The fp32 kernels: every ISA against the reference byte by byte, the reference against plain fp64.
#include "kernels/f32_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ctt::kernels {
namespace {

std::vector<float> Random(std::size_t count, unsigned seed, float span = 1.0f) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float& x : values) x = span * (static_cast<float>(generator()) * 0x1p-31f - 1.0f);
  return values;
}

std::vector<Isa> FastIsas() {
  std::vector<Isa> isas = PresentIsas();
  isas.erase(isas.begin());
  return isas;
}

void ExpectSameBytes(const std::vector<float>& wanted, const std::vector<float>& got,
                     const std::string& where) {
  ASSERT_EQ(wanted.size(), got.size()) << where;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(0, std::memcmp(&wanted[i], &got[i], sizeof(float)))
        << where << " at " << i << ": " << wanted[i] << " and " << got[i];
  }
}

const F32Kernels& Reference() { return GetF32Kernels(Isa::kReference); }

// One product with everything it reads; c has rows of `spare` more floats that must stay untouched.
struct Product {
  std::int32_t rows, k, n;
  Epilogue epilogue;
  bool accumulate = false;
  bool panel_major = false;

  std::vector<float> a = Random(std::size_t(rows) * k, 1);
  std::vector<float> weights = Random(std::size_t(n) * k, 2);
  std::vector<float> start = Random(std::size_t(rows) * n, 3);
  std::vector<float> bias = Random(n, 4);
  std::vector<float> residual = Random(std::size_t(rows) * n, 5);

  std::vector<float> Run(const F32Kernels& kernels) const {
    std::vector<float> panels(weights.size());
    PackPanels(weights, n, k, panels);
    std::vector<float> c = start;
    kernels.gemm({.a = a.data(),
                  .a_stride = k,
                  .b = panels.data(),
                  .b_stride = 16 * k,
                  .b_is_far = true,
                  .c = c.data(),
                  .c_row_stride = panel_major ? 16 : n,
                  .c_panel_stride = panel_major ? 16 * rows : 16,
                  .rows = rows,
                  .k = k,
                  .panels = n / 16,
                  .accumulate = accumulate,
                  .epilogue = epilogue,
                  .bias = bias.data(),
                  .residual = residual.data(),
                  .residual_stride = n});
    return c;
  }

  std::size_t Place(std::int32_t r, std::int32_t j) const {
    return panel_major ? std::size_t(j / 16) * 16 * rows + std::size_t(r) * 16 + j % 16
                       : std::size_t(r) * n + j;
  }

  double Plain(std::int32_t r, std::int32_t j) const {
    double sum = accumulate ? start[Place(r, j)] : 0.0;
    for (std::int32_t i = 0; i < k; ++i)
      sum += double(a[std::size_t(r) * k + i]) * weights[std::size_t(j) * k + i];
    if (epilogue == Epilogue::kNone) return sum;
    sum += bias[j];
    if (epilogue == Epilogue::kBiasResidual) sum += residual[std::size_t(r) * n + j];
    if (epilogue == Epilogue::kBiasGelu) sum = 0.5 * sum * (1 + std::erf(sum / std::sqrt(2.0)));
    return sum;
  }
};

std::vector<Product> Products() {
  std::vector<Product> products;
  for (const std::int32_t rows : {1, 2, 3, 5, 6, 7, 11, 12, 13, 14, 24, 25, 40})
    for (const std::int32_t n : {16, 48})
      products.push_back({rows, 33, n, Epilogue::kBiasResidual});
  for (const std::int32_t k : {1, 2, 15, 16, 384, 512, 513, 1024, 1536})
    for (const bool accumulate : {false, true})
      products.push_back({9, k, 32, Epilogue::kNone, accumulate});
  for (const Epilogue epilogue :
       {Epilogue::kNone, Epilogue::kBias, Epilogue::kBiasGelu, Epilogue::kBiasResidual})
    for (const std::int32_t k : {64, 1024})
      for (const bool panel_major : {false, true})
        products.push_back({17, k, 80, epilogue, false, panel_major});
  return products;
}

std::string Name(const Product& p) {
  return std::to_string(p.rows) + "x" + std::to_string(p.k) + "x" + std::to_string(p.n) +
         " epilogue " + std::to_string(int(p.epilogue));
}

TEST(GemmTest, ReferenceIsNearPlainFp64) {
  for (const Product& p : Products()) {
    const std::vector<float> c = p.Run(Reference());
    // A chain of k roundings, each within 2^-24 of a partial sum whose magnitude is under 6 sqrt(k)
    // / 3 here (products in [-1, 1], variance 1/9), 4 for start, bias and residual; GELU adds 1e-7
    // (1 + |x|).
    const double magnitude = 2 * std::sqrt(double(p.k)) + 4;
    const double bound = (p.k + 3) * 0x1p-24 * magnitude + 1e-7 * (1 + magnitude);
    for (std::int32_t r = 0; r < p.rows; ++r)
      for (std::int32_t j = 0; j < p.n; ++j)
        ASSERT_NEAR(p.Plain(r, j), c[p.Place(r, j)], bound) << Name(p) << " at " << r << "," << j;
  }
}

TEST(GemmTest, EachElementIsOneChainOverK) {
  const Product p{3, 700, 16, Epilogue::kNone};
  const std::vector<float> c = p.Run(Reference());
  for (std::int32_t r = 0; r < p.rows; ++r)
    for (std::int32_t j = 0; j < p.n; ++j) {
      float chain = 0;
      for (std::int32_t i = 0; i < p.k; ++i)
        chain = std::fma(p.a[r * p.k + i], p.weights[j * p.k + i], chain);
      ASSERT_EQ(chain, c[p.Place(r, j)]);
    }
}

TEST(GemmTest, EveryIsaGivesTheReferencesBytes) {
  for (const Product& p : Products()) {
    const std::vector<float> wanted = p.Run(Reference());
    for (const Isa isa : FastIsas())
      ExpectSameBytes(wanted, p.Run(GetF32Kernels(isa)), Name(p) + " " + std::string(IsaName(isa)));
  }
}

TEST(GemmTest, SlicesOfKContinueTheChain) {
  const Product p{13, 96, 32, Epilogue::kBias};
  std::vector<float> panels(p.weights.size());
  PackPanels(p.weights, p.n, p.k, panels);
  for (const Isa isa : PresentIsas()) {
    std::vector<float> c(std::size_t(p.rows) * p.n);
    for (const std::int32_t k : {0, 40}) {
      GetF32Kernels(isa).gemm({.a = p.a.data() + k,
                               .a_stride = p.k,
                               .b = panels.data() + 16 * k,
                               .b_stride = 16 * p.k,
                               .c = c.data(),
                               .c_row_stride = p.n,
                               .rows = p.rows,
                               .k = k == 0 ? 40 : 56,
                               .panels = 2,
                               .accumulate = k > 0,
                               .epilogue = k == 0 ? Epilogue::kNone : Epilogue::kBias,
                               .bias = p.bias.data()});
    }
    ExpectSameBytes(p.Run(Reference()), c, std::string(IsaName(isa)));
  }
}

struct Elementwise {
  const char* name;
  void (*F32Kernels::*function)(const float*, float*, std::size_t);
  double (*plain)(double);
  float low, high;
  double relative, absolute;  // |error| <= relative |answer| + absolute (1 + |x|)
};
const Elementwise kElementwise[] = {
    {"gelu", &F32Kernels::gelu, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); },
     -12.0f, 12.0f, 0, 1.0e-7},
    {"exp", &F32Kernels::exp, [](double x) { return std::exp(x); }, -87.0f, 0.0f, 8.3e-8, 0},
};

TEST(ElementwiseTest, WithinTheStatedErrorAndEqualOnEveryIsa) {
  constexpr std::size_t kCount = 1 << 18;
  for (const Elementwise& row : kElementwise) {
    std::vector<float> x(kCount), y(kCount);
    for (std::size_t i = 0; i < kCount; ++i)
      x[i] = row.low + (row.high - row.low) * static_cast<float>(i) / (kCount - 1);
    (Reference().*row.function)(x.data(), y.data(), kCount);
    double worst = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
      const double plain = row.plain(x[i]);
      const double bound = row.relative * std::abs(plain) + row.absolute * (1 + std::abs(x[i]));
      worst = std::max(worst, std::abs(y[i] - plain) / bound);
    }
    EXPECT_LE(worst, 1.0) << row.name << ": largest error in units of the bound";
    for (const Isa isa : FastIsas()) {
      std::vector<float> other(kCount);
      (GetF32Kernels(isa).*row.function)(x.data(), other.data(), kCount);
      ExpectSameBytes(y, other, row.name + std::string(" ") + std::string(IsaName(isa)));
    }
  }
}

TEST(ElementwiseTest, ExpEndsWhereItSays) {
  for (const Isa isa : PresentIsas()) {
    std::vector<float> x(16, -87.0f), y(16);
    x[1] = -88.0f, x[2] = -1e30f, x[3] = 0.0f, x[4] = -0.0f;
    GetF32Kernels(isa).exp(x.data(), y.data(), 16);
    EXPECT_EQ(y[0], y[1]);
    EXPECT_EQ(y[0], y[2]);
    EXPECT_EQ(1.0f, y[3]);
    EXPECT_EQ(1.0f, y[4]);
    EXPECT_GE(y[0], 0x1p-126f) << "a normal number";
  }
}

TEST(LayerNormTest, NearPlainFp64AndEqualOnEveryIsa) {
  for (const std::int32_t width : {16, 48, 384}) {
    constexpr std::int32_t kRows = 5;
    const std::vector<float> start = Random(kRows * width, 7, 3.0f);
    const std::vector<float> gamma = Random(width, 8), beta = Random(width, 9);
    const auto run = [&](Isa isa) {
      std::vector<float> x = start;
      GetF32Kernels(isa).layer_norm({.x = x.data(),
                                     .rows = kRows,
                                     .width = width,
                                     .gamma = gamma.data(),
                                     .beta = beta.data(),
                                     .epsilon = 1e-12f});
      return x;
    };
    const std::vector<float> x = run(Isa::kReference);
    for (std::int32_t r = 0; r < kRows; ++r) {
      const float* row = start.data() + r * width;
      double mean = 0, variance = 0;
      for (std::int32_t j = 0; j < width; ++j) mean += row[j];
      mean /= width;
      for (std::int32_t j = 0; j < width; ++j) variance += (row[j] - mean) * (row[j] - mean);
      const double factor = 1 / std::sqrt(variance / width + 1e-12);
      // Roundings of sums of width/16 terms and four operations, on values below 3 after scaling.
      for (std::int32_t j = 0; j < width; ++j)
        ASSERT_NEAR((row[j] - mean) * factor * gamma[j] + beta[j], x[r * width + j], 1e-6);
    }
    for (const Isa isa : FastIsas()) ExpectSameBytes(x, run(isa), std::string(IsaName(isa)));
  }
}

TEST(LayerNormTest, ARowOfZerosBecomesBeta) {
  const std::vector<float> gamma = Random(32, 8), beta = Random(32, 9);
  for (const Isa isa : PresentIsas()) {
    std::vector<float> x(32);
    GetF32Kernels(isa).layer_norm({.x = x.data(),
                                   .rows = 1,
                                   .width = 32,
                                   .gamma = gamma.data(),
                                   .beta = beta.data(),
                                   .epsilon = 1e-12f});
    ExpectSameBytes(beta, x, std::string(IsaName(isa)));
  }
}

// A batch of ragged texts through attention; qkv panel-major.
struct Heads {
  std::int32_t width, heads;
  std::vector<std::int32_t> offsets;
  float span = 2.0f;

  std::int32_t rows() const { return offsets.back(); }
  std::vector<float> Qkv() const { return Random(std::size_t(3) * width * rows(), 11, span); }
  std::vector<float> Run(Isa isa) const {
    const std::vector<float> qkv = Qkv();
    std::vector<float> context(std::size_t(rows()) * width);
    std::vector<float> scratch(AttentionScratchFloats(rows(), width, heads));
    GetF32Kernels(isa).attention({.qkv = qkv.data(),
                                  .rows = rows(),
                                  .width = width,
                                  .heads = heads,
                                  .offsets = offsets.data(),
                                  .texts = std::int32_t(offsets.size()) - 1,
                                  .context = context.data(),
                                  .scratch = scratch.data()});
    return context;
  }
  double At(const std::vector<float>& qkv, std::int32_t row, std::int32_t column) const {
    return qkv[std::size_t(column / 16) * 16 * rows() + row * 16 + column % 16];
  }
  std::vector<double> PlainRow(const std::vector<float>& qkv, std::int32_t begin, std::int32_t end,
                               std::int32_t row, std::int32_t head) const {
    const std::int32_t d = width / heads, q = head * d, k = width + q, v = 2 * width + q;
    std::vector<double> scores, out(d);
    for (std::int32_t j = begin; j < end; ++j) {
      double dot = 0;
      for (std::int32_t i = 0; i < d; ++i) dot += At(qkv, row, q + i) * At(qkv, j, k + i);
      scores.push_back(dot / std::sqrt(double(d)));
    }
    const double top = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (double& s : scores) sum += s = std::exp(s - top);
    for (std::int32_t j = begin; j < end; ++j)
      for (std::int32_t i = 0; i < d; ++i) out[i] += scores[j - begin] / sum * At(qkv, j, v + i);
    return out;
  }
};

const Heads kHeads[] = {
    {32, 1, {0, 1}},      {32, 2, {0, 1, 3, 20, 36, 69}}, {96, 3, {0, 12, 29, 42}},
    {64, 1, {0, 17, 33}}, {32, 1, {0, 33}, 12.0f},  // Scores of hundreds: every weight but one
                                                    // underflows.
};

TEST(AttentionTest, NearPlainFp64AndEqualOnEveryIsa) {
  for (const Heads& t : kHeads) {
    const std::vector<float> qkv = t.Qkv(), context = t.Run(Isa::kReference);
    const std::int32_t d = t.width / t.heads;
    // A score's rounding, d 2^-24 span^2 d, is what its weight is off by, relatively.
    const double bound = t.span * (2.0 * d * d * t.span * t.span / std::sqrt(d) * 0x1p-24 + 1e-6);
    for (std::size_t text = 0; text + 1 < t.offsets.size(); ++text)
      for (std::int32_t row = t.offsets[text]; row < t.offsets[text + 1]; ++row)
        for (std::int32_t head = 0; head < t.heads; ++head) {
          const auto plain = t.PlainRow(qkv, t.offsets[text], t.offsets[text + 1], row, head);
          for (std::int32_t i = 0; i < d; ++i)
            ASSERT_NEAR(plain[i], context[std::size_t(row) * t.width + head * d + i], bound);
        }
    for (const Isa isa : FastIsas())
      ExpectSameBytes(context, t.Run(isa), std::string(IsaName(isa)));
  }
}

TEST(AttentionTest, ATextDoesNotSeeItsNeighbours) {
  const Heads both{32, 2, {0, 5, 23}};
  const std::vector<float> together = both.Run(Isa::kReference);
  const std::vector<float> qkv = both.Qkv();
  for (const Isa isa : PresentIsas()) {
    std::vector<float> alone_qkv(3 * 32 * 18), alone(18 * 32);
    for (std::int32_t panel = 0; panel < 6; ++panel)
      std::copy_n(qkv.begin() + panel * 16 * 23 + 5 * 16, 18 * 16,
                  alone_qkv.begin() + panel * 16 * 18);
    std::vector<float> scratch(AttentionScratchFloats(18, 32, 2));
    const std::int32_t offsets[] = {0, 18};
    GetF32Kernels(isa).attention({.qkv = alone_qkv.data(),
                                  .rows = 18,
                                  .width = 32,
                                  .heads = 2,
                                  .offsets = offsets,
                                  .texts = 1,
                                  .context = alone.data(),
                                  .scratch = scratch.data()});
    ExpectSameBytes({together.begin() + 5 * 32, together.end()}, alone, std::string(IsaName(isa)));
  }
}

TEST(EmbedTest, SumsRowsThenNormalises) {
  constexpr std::int32_t kWidth = 48;
  const std::vector<float> word = Random(7 * kWidth, 13), position = Random(5 * kWidth, 14);
  const std::vector<float> gamma = Random(kWidth, 15), beta = Random(kWidth, 16);
  const std::int32_t ids[] = {6, 0, 3, 3, 1}, offsets[] = {0, 2, 5};
  for (const Isa isa : PresentIsas()) {
    std::vector<float> x(5 * kWidth), wanted(5 * kWidth);
    for (std::int32_t row = 0; row < 5; ++row)
      for (std::int32_t j = 0; j < kWidth; ++j)
        wanted[row * kWidth + j] =
            word[ids[row] * kWidth + j] + position[(row < 2 ? row : row - 2) * kWidth + j];
    LayerNormF32 norm = {.x = wanted.data(),
                         .rows = 5,
                         .width = kWidth,
                         .gamma = gamma.data(),
                         .beta = beta.data(),
                         .epsilon = 1e-5f};
    Reference().layer_norm(norm);
    norm.x = x.data();
    GetF32Kernels(isa).embed({.ids = ids,
                              .offsets = offsets,
                              .texts = 2,
                              .word = word.data(),
                              .position = position.data(),
                              .norm = norm});
    ExpectSameBytes(wanted, x, std::string(IsaName(isa)));
  }
}

TEST(PoolTest, MeanOfUnitLengthAndEqualOnEveryIsa) {
  constexpr std::int32_t kWidth = 64;
  for (const std::int32_t rows : {1, 2, 37}) {
    const std::vector<float> x = Random(std::size_t(rows) * kWidth, 17);
    const auto run = [&](Isa isa) {
      std::vector<float> unit(kWidth);
      GetF32Kernels(isa).pool({.x = x.data(), .rows = rows, .width = kWidth, .unit = unit.data()});
      return unit;
    };
    const std::vector<float> unit = run(Isa::kReference);
    std::vector<double> mean(kWidth);
    double squares = 0;
    for (std::int32_t j = 0; j < kWidth; ++j) {
      for (std::int32_t r = 0; r < rows; ++r) mean[j] += x[r * kWidth + j] / double(rows);
      squares += mean[j] * mean[j];
    }
    // Unit length: components below 1, a mean of `rows` roundings.
    for (std::int32_t j = 0; j < kWidth; ++j)
      ASSERT_NEAR(mean[j] / std::sqrt(squares), unit[j], 1e-6);
    for (const Isa isa : FastIsas()) ExpectSameBytes(unit, run(isa), std::string(IsaName(isa)));
  }
}

TEST(PoolTest, ZerosStayZeros) {
  for (const Isa isa : PresentIsas()) {
    const std::vector<float> x(32, 0.0f);
    std::vector<float> unit(16, 1.0f);
    GetF32Kernels(isa).pool({.x = x.data(), .rows = 2, .width = 16, .unit = unit.data()});
    EXPECT_EQ(std::vector<float>(16, 0.0f), unit);
  }
}

TEST(SelfCheckTest, EveryPresentIsaAgrees) {
  for (const Isa isa : PresentIsas()) EXPECT_TRUE(F32KernelsAgree(isa)) << IsaName(isa);
}

}  // namespace
}  // namespace ctt::kernels
