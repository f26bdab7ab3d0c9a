// The int8 kernels: every ISA against the reference byte by byte, the reference against plain
// integers and fp64, and the bound that makes saturation impossible at its extremes.
#include "kernels/i8_kernels.h"

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

template <typename T>
::testing::AssertionResult SameBytes(const std::vector<T>& wanted, const std::vector<T>& got) {
  if (wanted.size() == got.size() &&
      std::memcmp(wanted.data(), got.data(), wanted.size() * sizeof(T)) == 0)
    return ::testing::AssertionSuccess();
  for (std::size_t i = 0; i < std::min(wanted.size(), got.size()); ++i)
    if (std::memcmp(&wanted[i], &got[i], sizeof(T)) != 0)
      return ::testing::AssertionFailure() << "at " << i << ": " << +wanted[i] << ", " << +got[i];
  return ::testing::AssertionFailure() << "sizes differ";
}

struct Matrix {
  std::int32_t n, k;
  std::vector<std::int8_t> panels = std::vector<std::int8_t>(std::size_t(n) * k);
  std::vector<std::int32_t> start = std::vector<std::int32_t>(n);
  std::vector<float> scale = std::vector<float>(n);
  std::vector<float> bias = Random(n, 4);

  std::int8_t& At(std::int32_t row, std::int32_t column) {
    return panels[std::size_t(row / 16) * 16 * k + (column / 4 * 16 + row % 16) * 4 + column % 4];
  }
  WeightsI8 View() const { return {panels.data(), start.data(), scale.data(), bias.data(), n, k}; }
};

Matrix Packed(std::int32_t n, std::int32_t k, const std::vector<float>& weights) {
  Matrix m{n, k};
  PackI8(weights, n, k, m.panels, m.start, m.scale);
  return m;
}

// Weights at the bound in every group: the patterns reach it with one, two and four weights.
Matrix AtTheBound(std::int32_t n, std::int32_t k) {
  constexpr std::int8_t kPatterns[][4] = {{127, 1, 0, 0},     {0, 0, 64, 64},     {32, 32, 32, 32},
                                          {64, -64, 64, -64}, {127, -127, 1, -1}, {1, 0, 127, 0}};
  Matrix m{n, k};
  for (std::int32_t row = 0; row < n; ++row) {
    const int sign = row % 2 == 0 ? 1 : -1;
    std::int32_t sum = 0;
    for (std::int32_t octet = 0; octet < k; octet += 8)
      for (const std::int32_t first : {octet, octet + 2}) {
        const auto& pattern = kPatterns[(row / 2 + octet / 8) % std::size(kPatterns)];
        const std::int32_t place[] = {first, first + 1, first + 4, first + 5};
        for (int i = 0; i < 4; ++i) {
          m.At(row, place[i]) = static_cast<std::int8_t>(sign * pattern[i]);
          sum += sign * pattern[i];
        }
      }
    m.start[row] = -128 * sum;
    m.scale[row] = 1.0f;
  }
  return m;
}

struct Rows {
  std::int32_t rows, k;
  std::vector<std::uint8_t> a = std::vector<std::uint8_t>(std::size_t(rows) * k);
  std::vector<float> scale = std::vector<float>(rows, 1.0f);
};

Rows MadeRows(std::int32_t rows, std::int32_t k) {
  Rows made{rows, k};
  std::mt19937 generator(7);
  for (std::uint8_t& a : made.a) a = static_cast<std::uint8_t>(1 + generator() % 255);
  for (float& s : made.scale) s = static_cast<float>(1 + generator() % 100) * 0.001f;
  return made;
}

std::vector<float> Product(Isa isa, const Matrix& m, const Rows& a, Epilogue epilogue) {
  const WeightsI8 view = m.View();
  std::vector<float> y = Random(std::size_t(a.rows) * m.n, 9);
  GetI8Kernels(isa).product({&view, a.a.data(), a.scale.data(), a.rows, epilogue, y.data()});
  return y;
}

double Gelu(double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }

TEST(I8KernelsTest, ReferenceProductIsThePlainSum) {
  Matrix m = Packed(48, 64, Random(48 * 64, 1));
  const Rows a = MadeRows(5, 64);
  const std::vector<float> before = Random(5 * 48, 9);
  const auto plain = Product(Isa::kReference, m, a, Epilogue::kBias);
  const auto gelu = Product(Isa::kReference, m, a, Epilogue::kBiasGelu);
  const auto residual = Product(Isa::kReference, m, a, Epilogue::kBiasResidual);
  for (std::int32_t r = 0; r < 5; ++r)
    for (std::int32_t j = 0; j < 48; ++j) {
      std::int64_t sum = 0;
      for (std::int32_t k = 0; k < 64; ++k) sum += (a.a[r * 64 + k] - 128) * m.At(j, k);
      const double y = double(sum) * a.scale[r] * m.scale[j] + m.bias[j];
      const std::size_t at = r * 48 + j;
      EXPECT_NEAR(y, plain[at], 1e-5);
      EXPECT_NEAR(Gelu(y), gelu[at], 2e-4 * (1 + std::fabs(y)));
      EXPECT_NEAR(y + before[at], residual[at], 1e-5);
    }
}

TEST(I8KernelsTest, ProductHasTheSameBitsOnEveryIsa) {
  struct Shape {
    std::int32_t n, k;
  };
  for (const Shape s : {Shape{384, 384}, Shape{1152, 384}, Shape{384, 1536}, Shape{16, 8},
                        Shape{48, 40}, Shape{80, 32}}) {
    const Matrix m = Packed(s.n, s.k, Random(std::size_t(s.n) * s.k, 1));
    const bool small = s.n <= 80;
    for (std::int32_t rows = 1; rows <= (small ? 50 : 7); ++rows) {
      const Rows a = MadeRows(rows, s.k);
      for (const Epilogue e : {Epilogue::kBias, Epilogue::kBiasGelu, Epilogue::kBiasResidual}) {
        if (!small && e != Epilogue::kBias) continue;
        const auto wanted = Product(Isa::kReference, m, a, e);
        for (const Isa isa : FastIsas())
          ASSERT_TRUE(SameBytes(wanted, Product(isa, m, a, e)))
              << IsaName(isa) << " rows " << rows << " n " << s.n << " k " << s.k;
      }
    }
  }
}

TEST(I8KernelsTest, NoSumSaturatesAtTheBound) {
  Matrix m = AtTheBound(64, 1536);
  ASSERT_TRUE(PackedI8IsSafe(m.panels, m.n, m.k));
  for (const int fill : {255, 1, 128, 0}) {
    Rows a{13, 1536};
    std::fill(a.a.begin(), a.a.end(), static_cast<std::uint8_t>(fill));
    for (const Isa isa : PresentIsas()) {
      const auto y = Product(isa, m, a, Epilogue::kBias);
      for (std::int32_t r = 0; r < a.rows; ++r)
        for (std::int32_t j = 0; j < m.n; ++j) {
          const double sum = (fill - 128) * (-m.start[j] / 128.0);
          ASSERT_EQ(std::fmaf(float(sum), 1.0f, m.bias[j]), y[r * m.n + j])
              << IsaName(isa) << " " << fill << " column " << j;
        }
    }
  }
}

TEST(I8KernelsTest, PackingKeepsTheBoundAndStaysNear) {
  struct Row {
    const char* why;
    std::vector<float> weights;
    double error_max;  // Of a weight, in hundredths of the largest.
  };
  const std::vector<float> ones(32 * 64, 1.0f);
  std::vector<float> peaks = Random(32 * 64, 3, 0.1f);
  for (std::size_t i = 0; i < peaks.size(); i += 64) peaks[i] = -1.0f;
  // 1.1: half a step of the coarsest grid, 1 / 54 of the largest, and a little for shaved groups.
  for (const Row& row : {Row{"all alike", ones, 42}, Row{"random", Random(32 * 64, 2), 42},
                         Row{"one peak a row", peaks, 1.1}}) {
    Matrix m = Packed(32, 64, row.weights);
    EXPECT_TRUE(PackedI8IsSafe(m.panels, m.n, m.k)) << row.why;
    for (std::int32_t j = 0; j < m.n; ++j) {
      std::int32_t sum = 0;
      for (std::int32_t k = 0; k < m.k; ++k) {
        sum += m.At(j, k);
        EXPECT_NEAR(row.weights[j * 64 + k], m.At(j, k) * m.scale[j], row.error_max / 100)
            << row.why;
      }
      EXPECT_EQ(-128 * sum, m.start[j]);
    }
  }
}

TEST(I8KernelsTest, ZerosAndTinyWeightsPackToZero) {
  for (const float w : {0.0f, 1e-40f}) {
    Matrix m = Packed(16, 8, std::vector<float>(128, w));
    EXPECT_EQ(std::vector<std::int8_t>(128), m.panels);
    EXPECT_EQ(std::vector<float>(16), m.scale);
  }
}

TEST(I8KernelsTest, UnsafePanelsAreSeen) {
  Matrix m = AtTheBound(32, 64);
  EXPECT_TRUE(PackedI8IsSafe(m.panels, 32, 64));
  EXPECT_FALSE(PackedI8IsSafe(m.panels, 32, 56));
  // Row 16 reaches the positive bound in all groups, row 17 the negative one.
  for (const std::int32_t row : {16, 17})
    for (const std::int32_t k : {0, 1, 4, 5, 63}) {
      Matrix bad = m;
      std::int8_t& w = bad.At(row, k);
      const int worse = row == 16 ? w + 65 : w - 65;
      ASSERT_LE(std::abs(worse), 127);
      w = static_cast<std::int8_t>(worse);
      EXPECT_FALSE(PackedI8IsSafe(bad.panels, 32, 64)) << row << " " << k;
    }
}

TEST(I8KernelsTest, QuantisedRowsAreNearAndInRange) {
  std::vector<float> x = Random(4 * 48, 5, 2.0f);
  std::fill(x.begin() + 48, x.begin() + 96, 0.0f);
  std::vector<std::uint8_t> wanted(x.size());
  std::vector<float> scales(4);
  GetI8Kernels(Isa::kReference).quantise({x.data(), 4, 48, wanted.data(), scales.data()});
  EXPECT_EQ(0.0f, scales[1]);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_GE(wanted[i], 1);
    EXPECT_NEAR(x[i], (wanted[i] - 128) * scales[i / 48], scales[i / 48] * 0.5001f) << i;
  }
  for (const Isa isa : FastIsas()) {
    std::vector<std::uint8_t> a(x.size());
    std::vector<float> s(4);
    GetI8Kernels(isa).quantise({x.data(), 4, 48, a.data(), s.data()});
    EXPECT_TRUE(SameBytes(wanted, a)) << IsaName(isa);
    EXPECT_TRUE(SameBytes(scales, s)) << IsaName(isa);
  }
}

// Everything that Normalise writes.
struct Normalised {
  std::vector<float> x = Random(3 * 384, 6, 4.0f);
  std::vector<std::uint8_t> a = std::vector<std::uint8_t>(3 * 384);
  std::vector<float> scale = std::vector<float>(3);
};

Normalised Normalise(Isa isa, bool with_norm) {
  const std::vector<float> gamma = Random(384, 1), beta = Random(384, 2), factor = Random(384, 3);
  Normalised n;
  LayerNormF32 norm{n.x.data(), 3, 384, gamma.data(), beta.data(), 1e-12f};
  if (!with_norm) norm.gamma = nullptr;
  GetI8Kernels(isa).normalise({norm, factor.data(), n.a.data(), n.scale.data()});
  return n;
}

TEST(I8KernelsTest, NormaliseIsLayerNormThenScaledQuantisation) {
  const std::vector<float> gamma = Random(384, 1), beta = Random(384, 2), factor = Random(384, 3);
  for (const bool with_norm : {true, false}) {
    const Normalised n = Normalise(Isa::kReference, with_norm);
    std::vector<float> wanted = Normalised().x;
    if (with_norm)
      GetF32Kernels(Isa::kReference)
          .layer_norm({wanted.data(), 3, 384, gamma.data(), beta.data(), 1e-12f});
    EXPECT_TRUE(SameBytes(wanted, n.x));
    int largest = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_NEAR(wanted[i] * factor[i % 384], (n.a[i] - 128) * n.scale[i / 384],
                  n.scale[i / 384] * 0.5001f);
      largest = std::max(i % 384 == 0 ? 0 : largest, std::abs(n.a[i] - 128));
      if (i % 384 == 383) {
        EXPECT_EQ(127, largest) << "a row takes the whole range";
      }
    }
    for (const Isa isa : FastIsas()) {
      const Normalised got = Normalise(isa, with_norm);
      EXPECT_TRUE(SameBytes(n.x, got.x)) << IsaName(isa);
      EXPECT_TRUE(SameBytes(n.a, got.a)) << IsaName(isa);
      EXPECT_TRUE(SameBytes(n.scale, got.scale)) << IsaName(isa);
    }
  }
}

TEST(I8KernelsTest, ARowOfZerosIsNormalisedToBeta) {
  const std::vector<float> gamma = Random(32, 8), beta = Random(32, 9), factor(32, 1.0f);
  for (const Isa isa : PresentIsas()) {
    std::vector<float> x(32), scale(1);
    std::vector<std::uint8_t> a(32);
    GetI8Kernels(isa).normalise({{x.data(), 1, 32, gamma.data(), beta.data(), 1e-12f},
                                 factor.data(),
                                 a.data(),
                                 scale.data()});
    EXPECT_TRUE(SameBytes(beta, x)) << IsaName(isa);
  }
}

struct Texts {
  std::vector<std::int32_t> lengths;
  std::int32_t width, heads;
  std::vector<float> qkv;

  std::vector<std::int32_t> Offsets() const {
    std::vector<std::int32_t> offsets = {0};
    for (const std::int32_t length : lengths) offsets.push_back(offsets.back() + length);
    return offsets;
  }
};

std::vector<float> Attend(Isa isa, const Texts& t) {
  const std::vector<std::int32_t> offsets = t.Offsets();
  std::vector<float> context(std::size_t(offsets.back()) * t.width);
  std::vector<std::byte> scratch(
      AttentionI8ScratchBytes(*std::max_element(t.lengths.begin(), t.lengths.end()), t.width));
  GetI8Kernels(isa).attention({t.qkv.data(), t.width, t.heads, offsets.data(),
                               static_cast<std::int32_t>(t.lengths.size()), context.data(),
                               scratch.data()});
  return context;
}

// softmax(q K^T / sqrt d) V of one query and head in fp64.
std::vector<double> PlainContext(const Texts& t, std::int32_t begin, std::int32_t tokens,
                                 std::int32_t row, std::int32_t head) {
  const std::int32_t d = t.width / t.heads;
  const auto at = [&](std::int32_t s, std::int32_t part, std::int32_t j) {
    return double(t.qkv[(std::size_t(begin) + s) * 3 * t.width + part * t.width + head * d + j]);
  };
  std::vector<double> mixed(d);
  double total = 0;
  for (std::int32_t s = 0; s < tokens; ++s) {
    double score = 0;
    for (std::int32_t j = 0; j < d; ++j) score += at(row, 0, j) * at(s, 1, j);
    const double e = std::exp(score / std::sqrt(double(d)));
    total += e;
    for (std::int32_t j = 0; j < d; ++j) mixed[j] += e * at(s, 2, j);
  }
  for (double& x : mixed) x /= total;
  return mixed;
}

TEST(I8KernelsTest, AttentionIsNearThePlainOne) {
  Texts t{{1, 2, 16, 17, 40}, 96, 3, {}};
  t.qkv = Random(76 * 3 * 96, 8, 1.5f);
  // Heads whose largest magnitudes are in their last sixteen columns.
  for (std::size_t i = 0; i < t.qkv.size(); ++i)
    if (i % 32 < 16) t.qkv[i] *= 0.25f;
  const auto context = Attend(Isa::kReference, t);
  const auto offsets = t.Offsets();
  // Half a step of the values, 1.5 / 63 / 2 = 0.012, and as much again for the 7-bit scores.
  for (std::size_t text = 0; text < t.lengths.size(); ++text)
    for (std::int32_t row = 0; row < t.lengths[text]; ++row)
      for (std::int32_t head = 0; head < 3; ++head) {
        const auto wanted = PlainContext(t, offsets[text], t.lengths[text], row, head);
        for (std::int32_t j = 0; j < 32; ++j)
          EXPECT_NEAR(wanted[j], context[(offsets[text] + row) * 96 + head * 32 + j], 0.025)
              << "text " << text << " row " << row;
      }
}

TEST(I8KernelsTest, AttentionHasTheSameBitsOnEveryIsaAndInEveryCompany) {
  Texts all{{}, 96, 3, {}};
  for (std::int32_t length = 1; length <= 50; ++length) all.lengths.push_back(length);
  all.lengths.insert(all.lengths.end(), {128, 255, 256});
  all.qkv = Random(std::size_t(all.Offsets().back()) * 3 * 96, 8, 2.0f);
  const auto wanted = Attend(Isa::kReference, all);
  for (const Isa isa : FastIsas()) EXPECT_TRUE(SameBytes(wanted, Attend(isa, all))) << IsaName(isa);

  const auto offsets = all.Offsets();
  for (const std::size_t text : {0u, 16u, 30u}) {
    const std::int32_t length = all.lengths[text];
    const auto first = all.qkv.begin() + std::ptrdiff_t{offsets[text]} * 3 * 96;
    const Texts alone{{length}, 96, 3, std::vector<float>(first, first + length * 3 * 96)};
    const auto part = wanted.begin() + std::ptrdiff_t{offsets[text]} * 96;
    EXPECT_TRUE(SameBytes(std::vector<float>(part, part + length * 96),
                          Attend(PresentIsas().back(), alone)));
  }
}

// Queries, keys and values that seven bits hold exactly: what is left is the rounding of the weight
// 254 e^-x, and its 2^y, good to 8e-5.
TEST(I8KernelsTest, AttentionWeighsByTheNearestStep) {
  for (const Isa isa : PresentIsas())
    for (int step = -63; step <= 63; ++step) {
      Texts t{{2}, 16, 1, std::vector<float>(2 * 48)};
      for (int j = 0; j < 16; ++j) {
        t.qkv[j] = t.qkv[48 + j] = 1.0f;
        t.qkv[16 + j] = 1.0f;
        t.qkv[64 + j] = static_cast<float>(step) / 63.0f;
        t.qkv[32 + j] = 1.0f;  // The second value is 0.
      }
      const double weight = 254 * std::exp(-4.0 * (1 - step / 63.0));
      EXPECT_NEAR(weight, 254 * (1.0 / Attend(isa, t)[0] - 1), 0.5 + 254 * 1e-4) << IsaName(isa);
    }
}

// All of one sign and magnitude: the largest sums that attention can meet.
TEST(I8KernelsTest, AttentionDoesNotSaturate) {
  for (const float q : {1.0f, -1.0f})
    for (const float v : {1.0f, -1.0f}) {
      Texts t{{33}, 64, 1, std::vector<float>(33 * 192)};
      for (std::size_t i = 0; i < t.qkv.size(); ++i)
        t.qkv[i] = i % 192 < 64 ? q : i % 192 < 128 ? 1.0f : v;
      for (const Isa isa : PresentIsas())
        for (const float x : Attend(isa, t)) ASSERT_NEAR(v, x, 1e-6) << IsaName(isa);
    }
}

TEST(I8KernelsTest, SelfCheckHoldsOnEveryIsa) {
  for (const Isa isa : PresentIsas()) EXPECT_TRUE(I8KernelsAgree(isa)) << IsaName(isa);
}

}  // namespace
}  // namespace ctt::kernels
