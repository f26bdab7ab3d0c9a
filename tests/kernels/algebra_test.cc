#include "kernels/algebra.h"

#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace ctt::kernels {
namespace {

template <typename T>
std::vector<T> Random(std::size_t count, std::uint32_t seed, double scale = 1) {
  std::mt19937 random(seed);
  std::vector<T> values(count);
  for (T& x : values)
    x = static_cast<T>(scale * (static_cast<double>(random()) / 2147483648.0 - 1));
  return values;
}

// body(kernels) -> output; every ISA must give the reference's bits.
template <typename Body>
void ExpectSameBits(const char* what, Body body) {
  const auto expected = body(AlgebraKernelsFor(Isa::kReference));
  for (const Isa isa : PresentIsas())
    EXPECT_EQ(body(AlgebraKernelsFor(isa)), expected) << what << " on " << IsaName(isa);
}

struct Shape {
  std::int64_t rows, columns, depth;
};
constexpr Shape kShapes[] = {{1, 1, 1}, {8, 24, 5}, {9, 25, 193}, {97, 50, 200}, {3, 100, 0}};

TEST(AlgebraTest, ReferenceMultipliesAsWritten) {
  const double a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};
  double c[] = {100, 100, 100, 100};
  AlgebraKernelsFor(Isa::kReference).multiply_add(2, 2, 2, -1, {a, 1, 2}, {b, 2, 1}, c, 2);
  EXPECT_EQ(c[0], 100 - (1 * 5 + 3 * 7));  // a is read transposed.
  EXPECT_EQ(c[3], 100 - (2 * 6 + 4 * 8));
}

template <typename T>
void CheckMultiply() {
  for (const Shape shape : kShapes) {
    const auto a = Random<T>(shape.rows * shape.depth + 1, 1);
    const auto b = Random<T>(shape.depth * shape.columns + 1, 2);
    const auto start = Random<T>(shape.rows * shape.columns, 3);
    const MatrixView<T> plain_a{a.data(), shape.depth, 1}, turned_a{a.data(), 1, shape.rows};
    const MatrixView<T> plain_b{b.data(), shape.columns, 1}, turned_b{b.data(), 1, shape.depth};
    const MatrixView<T> upward_b{b.data() + (shape.depth > 0 ? shape.depth - 1 : 0) * shape.columns,
                                 -shape.columns, 1};
    for (const auto& left : {plain_a, turned_a})
      for (const auto& right : {plain_b, turned_b, upward_b})
        for (const T sign : {T(1), T(-1)})
          ExpectSameBits("multiply_add", [&](const AlgebraKernels& kernels) {
            std::vector<T> c = start;
            if constexpr (std::is_same_v<T, double>)
              kernels.multiply_add(shape.rows, shape.columns, shape.depth, sign, left, right,
                                   c.data(), shape.columns);
            else
              kernels.multiply_add_f32(shape.rows, shape.columns, shape.depth, sign, left, right,
                                       c.data(), shape.columns);
            return c;
          });
  }
}

TEST(AlgebraTest, MultiplyAddIsOneChainOnEveryIsa) { CheckMultiply<double>(); }
TEST(AlgebraTest, MultiplyAddF32IsOneChainOnEveryIsa) { CheckMultiply<float>(); }

TEST(AlgebraTest, AddRowsIsOneChainOnEveryIsa) {
  for (const std::int64_t columns : {1, 7, 64, 205})
    for (const std::int64_t depth : {0, 1, 16, 37}) {
      const auto rows = Random<double>(depth * columns + 1, 4);
      const auto coefficients = Random<double>(3 * depth + 1, 5);
      const auto start = Random<double>(columns, 6);
      for (const double sign : {1.0, -1.0})
        ExpectSameBits("add_rows", [&](const AlgebraKernels& kernels) {
          auto y = start;
          kernels.add_rows(columns, depth, sign, coefficients.data(), 3, rows.data(), columns,
                           y.data());
          return y;
        });
    }
}

TEST(AlgebraTest, EntriesAreOneChainOnEveryIsa) {
  const std::vector<std::int32_t> entries = {4, 0, 2, 4, 1};  // One of them twice.
  const auto values = Random<float>(entries.size(), 9);
  const auto count = static_cast<std::int64_t>(entries.size());
  for (const std::int64_t columns : {16, 80, 208}) {
    const auto rows = Random<float>(5 * columns, 10), x = Random<float>(columns, 11);
    ExpectSameBits("add_entries_f32", [&](const AlgebraKernels& kernels) {
      auto y = x;
      kernels.add_entries_f32(columns, count, entries.data(), values.data(), rows.data(), y.data());
      return y;
    });
    ExpectSameBits("add_to_entries_f32", [&](const AlgebraKernels& kernels) {
      auto sums = rows;
      kernels.add_to_entries_f32(columns, count, entries.data(), values.data(), x.data(),
                                 sums.data());
      return sums;
    });
  }
}

TEST(AlgebraTest, ReferenceAddsEntriesAsWritten) {
  const AlgebraKernels& reference = AlgebraKernelsFor(Isa::kReference);
  const std::int32_t entries[] = {2, 0};
  const float values[] = {10, 100};
  std::vector<float> rows(3 * 16), y(16, 1);
  for (std::size_t j = 0; j < rows.size(); ++j) rows[j] = static_cast<float>(j);
  reference.add_entries_f32(16, 2, entries, values, rows.data(), y.data());
  EXPECT_EQ(y[3], 1 + 10 * 35 + 100 * 3);
  reference.add_to_entries_f32(16, 2, entries, values, y.data(), rows.data());
  EXPECT_EQ(rows[35], 35 + 10 * y[3]);
  EXPECT_EQ(rows[3], 3 + 100 * y[3]);
  EXPECT_EQ(rows[19], 19);
}

TEST(AlgebraTest, AddScoresIsOneChainOnEveryIsa) {
  for (const std::int64_t classes : {1, 2, 7, 77, 130}) {
    const std::int64_t dim = 41;
    std::vector<std::int8_t> phi(dim);
    for (std::int64_t d = 0; d < dim; ++d) phi[d] = static_cast<std::int8_t>(d * 37 % 255 - 127);
    const auto weights = Random<float>(dim * classes, 8);
    ExpectSameBits("add_scores", [&](const AlgebraKernels& kernels) {
      std::vector<double> out(classes, 0.5);
      kernels.add_scores(phi.data(), dim, weights.data(), classes, out.data());
      return out;
    });
  }
}

TEST(AlgebraTest, SubtractMeanIsExactOnEveryIsa) {
  for (const std::int64_t count : {1, 16, 45})
    for (const bool one_mean : {false, true}) {
      std::vector<std::int8_t> in(count);
      for (std::int64_t j = 0; j < count; ++j) in[j] = static_cast<std::int8_t>(j * 37 % 255 - 127);
      const auto means = Random<float>(one_mean ? 1 : count, 7, 100);
      std::vector<float> wanted(count);
      for (std::int64_t j = 0; j < count; ++j)
        wanted[j] = static_cast<float>(in[j]) - means[one_mean ? 0 : j];
      for (const Isa isa : PresentIsas()) {
        std::vector<float> out(count);
        AlgebraKernelsFor(isa).subtract_mean_f32(count, in.data(), means.data(), one_mean,
                                                 out.data());
        EXPECT_EQ(out, wanted) << IsaName(isa) << " of " << count;
      }
    }
}

TEST(AlgebraTest, ExponentialIsWithinTwoUlp) {
  auto x = Random<double>(4096, 9, 700);
  x[0] = 0, x[1] = -1e9, x[2] = 1e9, x[3] = -708, x[4] = 708, x[5] = 1e-300;
  ExpectSameBits("exponential", [&](const AlgebraKernels& kernels) {
    auto y = x;
    kernels.exponential(y.data(), static_cast<std::int64_t>(y.size()));
    return y;
  });
  auto y = x;
  AlgebraKernelsFor(Isa::kReference).exponential(y.data(), static_cast<std::int64_t>(y.size()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = std::exp(std::min(708.0, std::max(-708.0, x[i])));
    EXPECT_NEAR(y[i] / expected, 1.0, 2 * 2.3e-16) << x[i];  // 2 ulp: Taylor, then rounding.
  }
}

TEST(AlgebraTest, TridiagonalNormsSolveTheFactoredSystem) {
  const std::int64_t dim = 5, rows = 80;
  const auto z = Random<double>(dim * rows, 10);
  const double lower[] = {0, 0.5, -0.25, 2, 1}, inverse[] = {1, 2, 0.5, 4, 1};
  ExpectSameBits("tridiagonal_norms", [&](const AlgebraKernels& kernels) {
    std::vector<double> out(rows);
    kernels.tridiagonal_norms(dim, rows, z.data(), lower, inverse, out.data());
    return out;
  });
  std::vector<double> out(rows);
  AlgebraKernelsFor(Isa::kReference)
      .tridiagonal_norms(dim, rows, z.data(), lower, inverse, out.data());
  double y = 0, sum = 0;
  for (std::int64_t i = 0; i < dim; ++i) {
    y = z[i * rows + 3] - lower[i] * y;
    sum += y * y * inverse[i];
  }
  EXPECT_NEAR(out[3], sum, 1e-12);
}

TEST(AlgebraTest, SoftmaxMomentsAreTheWeightedSums) {
  const std::int64_t classes = 7, rows = 48;
  const auto distances = Random<double>(classes * rows, 11, 30);
  const auto log_prior = Random<double>(classes, 12);
  const auto moments = [&](const AlgebraKernels& kernels) {
    std::vector<double> out(4 * rows);
    kernels.softmax_moments(classes, rows, 0.7, distances.data(), log_prior.data(), &out[0],
                            &out[rows], &out[2 * rows], &out[3 * rows]);
    return out;
  };
  ExpectSameBits("softmax_moments", moments);
  const auto out = moments(AlgebraKernelsFor(Isa::kReference));
  double sum = 0, first = 0, second = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    const double distance = distances[c * rows + 5];
    const double e = std::exp(-0.35 * distance + log_prior[c] - out[5]);
    sum += e, first += e * distance, second += e * distance * distance;
  }
  EXPECT_NEAR(out[rows + 5], sum, 1e-13 * sum);
  EXPECT_NEAR(out[2 * rows + 5], first, 1e-12 * std::fabs(first) + 1e-12);
  EXPECT_NEAR(out[3 * rows + 5], second, 1e-12 * second);
}

TEST(AlgebraTest, SoftmaxF32GivesProbabilities) {
  const std::int64_t classes = 9, rows = 32;
  const auto z = Random<float>(classes * rows, 13, 20);
  ExpectSameBits("softmax_f32", [&](const AlgebraKernels& kernels) {
    auto p = z;
    kernels.softmax_f32(classes, rows, p.data());
    return p;
  });
  auto p = z;
  AlgebraKernelsFor(Isa::kReference).softmax_f32(classes, rows, p.data());
  double sum = 0;
  for (std::int64_t c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(z[c * rows + 1]));
  EXPECT_NEAR(p[4 * rows + 1], std::exp(static_cast<double>(z[4 * rows + 1])) / sum, 1e-6);
}

}  // namespace
}  // namespace ctt::kernels
