#include "learn/cholesky.h"

#include <cmath>
#include <random>

#include <gtest/gtest.h>

#include "learn/tridiagonal.h"

namespace ctt::learn {
namespace {

// Symmetric, positive definite, well conditioned.
std::vector<double> RandomMatrix(std::int64_t dim, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<double> m(dim * dim);
  for (std::int64_t i = 0; i < dim; ++i)
    for (std::int64_t j = i; j < dim; ++j)
      m[i * dim + j] = m[j * dim + i] = static_cast<double>(random()) / 2147483648.0 - 1 +
                                        (i == j ? static_cast<double>(dim) : 0);
  return m;
}

std::vector<double> RandomVectors(std::int64_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<double> b(count);
  for (double& x : b) x = static_cast<double>(random()) / 2147483648.0 - 1;
  return b;
}

// The three loops that the blocked code must equal to the bit.
std::vector<double> PlainFactor(std::vector<double> m, std::int64_t dim) {
  for (std::int64_t k = 0; k < dim; ++k) {
    for (std::int64_t j = k; j < dim; ++j)
      for (std::int64_t p = 0; p < k; ++p)
        m[k * dim + j] = std::fma(-m[p * dim + k], m[p * dim + j], m[k * dim + j]);
    m[k * dim + k] = std::sqrt(m[k * dim + k]);
    const double inverse = 1 / m[k * dim + k];
    for (std::int64_t j = k + 1; j < dim; ++j) m[k * dim + j] *= inverse;
  }
  return m;
}

std::vector<double> PlainSolve(const std::vector<double>& r, std::vector<double> x,
                               std::int64_t dim) {
  for (std::int64_t k = 0; k < dim; ++k) {
    for (std::int64_t p = 0; p < k; ++p) x[k] = std::fma(-r[p * dim + k], x[p], x[k]);
    x[k] *= 1 / r[k * dim + k];
  }
  for (std::int64_t k = dim - 1; k >= 0; --k) {
    for (std::int64_t p = dim - 1; p > k; --p) x[k] = std::fma(-r[k * dim + p], x[p], x[k]);
    x[k] *= 1 / r[k * dim + k];
  }
  return x;
}

TEST(CholeskyTest, BlocksEqualThePlainLoopsToTheBit) {
  for (const std::int64_t dim : {1, 2, 31, 32, 33, 100, 257}) {
    const std::vector<double> m = RandomMatrix(dim, 1);
    const std::vector<double> plain = PlainFactor(m, dim);
    const auto factor = Cholesky::Factor(m, dim);
    ASSERT_TRUE(factor.has_value());
    for (std::int64_t i = 0; i < dim; ++i)
      for (std::int64_t j = i; j < dim; ++j)
        ASSERT_EQ(factor->factor(i, j), plain[i * dim + j]) << dim;
    const std::int64_t columns = 7;
    std::vector<double> b = RandomVectors(dim * columns, 2);
    std::vector<double> first(dim);
    for (std::int64_t i = 0; i < dim; ++i) first[i] = b[i * columns + 3];
    const std::vector<double> expected = PlainSolve(plain, first, dim);
    factor->Solve(b, columns);
    for (std::int64_t i = 0; i < dim; ++i) ASSERT_EQ(b[i * columns + 3], expected[i]) << dim;
  }
}

TEST(CholeskyTest, SolutionsSolve) {
  const std::int64_t dim = 90;
  const std::vector<double> m = RandomMatrix(dim, 3);
  std::vector<double> x = RandomVectors(dim, 4);
  const std::vector<double> b = x;
  Cholesky::Factor(m, dim)->Solve(x, 1);
  for (std::int64_t i = 0; i < dim; ++i) {
    double sum = 0;
    for (std::int64_t j = 0; j < dim; ++j) sum += m[i * dim + j] * x[j];
    EXPECT_NEAR(sum, b[i], 1e-12);
  }
}

TEST(CholeskyTest, RefusesWhatIsNotPositiveDefinite) {
  EXPECT_FALSE(Cholesky::Factor({1, 2, 0, 1}, 2).has_value());
  EXPECT_FALSE(Cholesky::Factor({0}, 1).has_value());
  EXPECT_FALSE(Cholesky::Factor({std::nan("")}, 1).has_value());
}

// Solving in rotated coordinates and rotating both sides must agree with the direct solution:
// a^T (M + s I)^-1 b.
TEST(TridiagonalTest, RotatedSolutionsAgreeWithCholesky) {
  for (const std::int64_t dim : {1, 2, 3, 32, 33, 70, 101}) {
    const std::vector<double> m = RandomMatrix(dim, 5);
    const Tridiagonal reduced(m, dim);
    for (const double shift : {0.0, 3.0}) {
      std::vector<double> shifted = m;
      for (std::int64_t i = 0; i < dim; ++i) shifted[i * dim + i] += shift;
      const std::int64_t columns = 3;
      const std::vector<double> b = RandomVectors(dim * columns, 6);
      std::vector<double> direct = b, rotated = b;
      Cholesky::Factor(shifted, dim)->Solve(direct, columns);
      reduced.Rotate(rotated, columns);
      std::vector<double> solved = rotated;
      const auto factor = reduced.Shifted(shift);
      ASSERT_TRUE(factor.has_value());
      factor->Solve(solved, columns);
      for (std::int64_t a = 0; a < columns; ++a)
        for (std::int64_t c = 0; c < columns; ++c) {
          double expected = 0, found = 0;
          for (std::int64_t i = 0; i < dim; ++i) {
            expected += b[i * columns + a] * direct[i * columns + c];
            found += rotated[i * columns + a] * solved[i * columns + c];
          }
          EXPECT_NEAR(found, expected, 1e-12) << dim;
        }
    }
  }
}

TEST(TridiagonalTest, RefusesAShiftThatLeavesItIndefinite) {
  const Tridiagonal reduced({1, 2, 0, 1}, 2);
  EXPECT_FALSE(reduced.Shifted(0).has_value());
  EXPECT_TRUE(reduced.Shifted(1.5).has_value());
}

}  // namespace
}  // namespace ctt::learn
