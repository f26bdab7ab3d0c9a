#include "learn/cholesky.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"

namespace ctt::learn {
namespace {

constexpr std::int64_t kBlock = 32;

void Scale(double* row, std::int64_t count, double factor) {
  for (std::int64_t j = 0; j < count; ++j) row[j] *= factor;
}

}  // namespace

std::optional<Cholesky> Cholesky::Factor(std::vector<double> m, std::int64_t dim) {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  Cholesky result(std::move(m), dim);
  result.inverse_diagonal_.resize(dim);
  double* r = result.factor_.data();
  for (std::int64_t first = 0; first < dim; first += kBlock) {
    const std::int64_t end = std::min(first + kBlock, dim);
    // Rows first .. end - 1 lose the share of all rows above them, then of each other.
    algebra.multiply_add(end - first, dim - first, first, -1.0, {r + first, 1, dim},
                         {r + first, dim, 1}, r + first * dim + first, dim);
    for (std::int64_t k = first; k < end; ++k) {
      double* row = r + k * dim;
      algebra.add_rows(dim - k, k - first, -1.0, r + first * dim + k, dim, r + first * dim + k, dim,
                       row + k);
      if (!(row[k] > 0) || !std::isfinite(row[k])) return std::nullopt;
      row[k] = std::sqrt(row[k]);
      result.inverse_diagonal_[k] = 1 / row[k];
      Scale(row + k + 1, dim - k - 1, result.inverse_diagonal_[k]);
    }
  }
  return result;
}

void Cholesky::SolveLower(std::span<double> b, std::int64_t columns) const {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  const double* r = factor_.data();
  for (std::int64_t first = 0; first < dim_; first += kBlock) {
    const std::int64_t end = std::min(first + kBlock, dim_);
    algebra.multiply_add(end - first, columns, first, -1.0, {r + first, 1, dim_},
                         {b.data(), columns, 1}, b.data() + first * columns, columns);
    for (std::int64_t k = first; k < end; ++k) {
      double* row = b.data() + k * columns;
      algebra.add_rows(columns, k - first, -1.0, r + first * dim_ + k, dim_,
                       b.data() + first * columns, columns, row);
      Scale(row, columns, inverse_diagonal_[k]);
    }
  }
}

void Cholesky::SolveUpper(std::span<double> b, std::int64_t columns) const {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  const double* r = factor_.data();
  double* last = b.data() + (dim_ - 1) * columns;  // Sums run from the last row up.
  for (std::int64_t end = dim_; end > 0; end = std::max<std::int64_t>(end - kBlock, 0)) {
    const std::int64_t first = std::max<std::int64_t>(end - kBlock, 0);
    algebra.multiply_add(end - first, columns, dim_ - end, -1.0,
                         {r + first * dim_ + dim_ - 1, dim_, -1}, {last, -columns, 1},
                         b.data() + first * columns, columns);
    for (std::int64_t k = end - 1; k >= first; --k) {
      double* row = b.data() + k * columns;
      algebra.add_rows(columns, end - 1 - k, -1.0, r + k * dim_ + end - 1, -1,
                       b.data() + (end - 1) * columns, -columns, row);
      Scale(row, columns, inverse_diagonal_[k]);
    }
  }
}

void Cholesky::Solve(std::span<double> b, std::int64_t columns) const {
  SolveLower(b, columns);
  SolveUpper(b, columns);
}

}  // namespace ctt::learn
