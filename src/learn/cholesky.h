#pragma once
// M = R^T R and what follows from it, in fp64 with one fixed order of summation
// (kernels/algebra.h): each element of R, and of a solution, is one chain of fused multiply-adds in
// the order of the plain three loops, so blocks, vectors and ISAs leave no trace. Why our own:
// docs/decisions/0100-own-cholesky.md.
//
// R is upper triangular and row-major: row k is contiguous from the diagonal on, and vectors run
// along it. Threads: a value; share as const.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ctt::learn {

class Cholesky {
 public:
  // Factors the symmetric matrix whose upper triangle is m [dim, dim]; the lower is not read.
  // nullopt: not positive definite. Cost: dim^3 / 3 operations.
  static std::optional<Cholesky> Factor(std::vector<double> m, std::int64_t dim);

  // b [dim, columns] becomes R^-T b (SolveLower), R^-1 b (SolveUpper), or M^-1 b (Solve).
  void SolveLower(std::span<double> b, std::int64_t columns) const;
  void SolveUpper(std::span<double> b, std::int64_t columns) const;
  void Solve(std::span<double> b, std::int64_t columns) const;

  std::int64_t dim() const { return dim_; }
  double factor(std::int64_t i, std::int64_t j) const { return factor_[i * dim_ + j]; }  // i <= j.

 private:
  Cholesky(std::vector<double> factor, std::int64_t dim) : dim_(dim), factor_(std::move(factor)) {}

  std::int64_t dim_;
  std::vector<double> factor_;            // [dim, dim]
  std::vector<double> inverse_diagonal_;  // [dim]
};

}  // namespace ctt::learn
