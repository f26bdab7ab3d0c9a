#pragma once
// Sw = Q T Q^T with T tridiagonal, by Householder reflections: then M = Sw + lambda tau I = Q (T +
// lambda tau I) Q^T for EVERY lambda, and distances under M cost O(D) a row in rotated coordinates
// Q^T x. One reduction (4/3 D^3) replaces a Cholesky factor per lambda and its O(D^2) a row.
// Source: Golub & Van Loan, Matrix Computations, 8.3 (reduction) and 5.1.6 (block reflectors).
// Fixed order of summation, as all of kernels/algebra.h. Threads: a value; share as const.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ctt::learn {

class Tridiagonal {
 public:
  // `matrix` [dim, dim]: upper triangle is read.
  Tridiagonal(std::vector<double> matrix, std::int64_t dim);

  // z [dim, columns] becomes Q^T z.
  void Rotate(std::span<double> z, std::int64_t columns) const;

  // T + shift I = L diag(d) L^T, L unit lower bidiagonal.
  struct Factor {
    std::vector<double> lower;    // [dim]: L(i, i - 1); lower[0] = 0.
    std::vector<double> inverse;  // [dim]: 1 / d_i
    // b [dim, columns], in rotated coordinates, becomes (T + shift I)^-1 b.
    void Solve(std::span<double> b, std::int64_t columns) const;
  };
  // nullopt: not positive definite.
  std::optional<Factor> Shifted(double shift) const;

 private:
  struct Panel;  // Reflections of a few columns at work.
  void ReducePanel(std::vector<double>& a, std::int64_t first, std::int64_t end);
  void ApplyReflections(std::int64_t first, std::int64_t count, std::span<double> z,
                        std::int64_t columns) const;

  std::int64_t dim_;
  std::vector<double> diagonal_;      // [dim]
  std::vector<double> off_diagonal_;  // [dim]: T(j, j + 1); the last is unused.
  std::vector<double> reflectors_;    // [dim, dim]: row j is v_j, zero up to column j.
  std::vector<double> scales_;        // [dim]: H_j = I - scale_j v_j v_j^T
};

}  // namespace ctt::learn
