#include "learn/tridiagonal.h"

#include <algorithm>
#include <cmath>

#include "kernels/algebra.h"

namespace ctt::learn {
namespace {

constexpr std::int64_t kPanel = 32;

double Dot(const double* x, const double* y, std::int64_t count) {
  double sum = 0;
  kernels::Algebra().add_rows(1, count, 1.0, x, 1, y, 1, &sum);
  return sum;
}

// v and scale such that (I - scale v v^T) x = (first, 0, 0, ...); returns first. v holds x on
// entry.
double Reflect(double* v, std::int64_t count, double& scale) {
  const double tail = Dot(v + 1, v + 1, count - 1);
  if (count == 1 || tail == 0) {
    scale = 0;
    return v[0];
  }
  const double norm = std::sqrt(std::fma(v[0], v[0], tail));
  const double first = v[0] > 0 ? -norm : norm;
  const double head = v[0] - first;
  scale = -head / first;
  v[0] = 1;
  for (std::int64_t i = 1; i < count; ++i) v[i] /= head;
  return first;
}

void Mirror(std::vector<double>& a, std::int64_t dim) {
  for (std::int64_t i = 0; i < dim; ++i)
    for (std::int64_t j = 0; j < i; ++j) a[i * dim + j] = a[j * dim + i];
}

}  // namespace

// For the columns of a panel the matrix at work is a - V^T W - W^T V, rows of V and W one
// reflection each; `a` itself is brought up to date once a panel.
struct Tridiagonal::Panel {
  std::int64_t dim;
  const double* v;        // [panel, dim]: rows of reflectors_.
  std::vector<double> w;  // [panel, dim]
  std::vector<double>
      across;  // [dim, 2 panel]: columns of V, then of W, for products with a vector.
  std::int64_t count = 0;

  Panel(std::int64_t size, const double* reflectors)
      : dim(size), v(reflectors), w(kPanel * size), across(size * 2 * kPanel) {}

  void SubtractFrom(double* row, const double* v_factors, const double* w_factors,
                    std::ptrdiff_t stride, std::int64_t begin) const {
    const kernels::AlgebraKernels& algebra = kernels::Algebra();
    algebra.add_rows(dim - begin, count, -1.0, w_factors, stride, v + begin, dim, row);
    algebra.add_rows(dim - begin, count, -1.0, v_factors, stride, w.data() + begin, dim, row);
  }
  void Keep(std::int64_t begin) {
    for (std::int64_t i = begin; i < dim; ++i) {
      across[i * 2 * kPanel + count] = v[count * dim + i];
      across[i * 2 * kPanel + kPanel + count] = w[count * dim + i];
    }
    ++count;
  }
};

void Tridiagonal::ReducePanel(std::vector<double>& a, std::int64_t first, std::int64_t end) {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  Panel panel(dim_, reflectors_.data() + first * dim_);
  for (std::int64_t j = first; j < end; ++j) {
    double* row = a.data() + j * dim_;
    const double* factors = panel.across.data() + j * 2 * kPanel;
    panel.SubtractFrom(row + j, factors, factors + kPanel, 1, j);
    diagonal_[j] = row[j];
    const std::int64_t begin = j + 1, rest = dim_ - begin;
    if (rest == 0) break;
    double* v = reflectors_.data() + j * dim_ + begin;
    std::copy_n(row + begin, rest, v);
    off_diagonal_[j] = Reflect(v, rest, scales_[j]);

    double* w = panel.w.data() + panel.count * dim_ + begin;
    algebra.add_rows(rest, rest, 1.0, v, 1, a.data() + begin * dim_ + begin, dim_, w);
    double products[2 * kPanel] = {};
    algebra.add_rows(2 * kPanel, rest, 1.0, v, 1, panel.across.data() + begin * 2 * kPanel,
                     2 * kPanel, products);
    panel.SubtractFrom(w, products, products + kPanel, 1, begin);
    for (std::int64_t i = 0; i < rest; ++i) w[i] *= scales_[j];
    const double along = scales_[j] / 2 * Dot(w, v, rest);
    for (std::int64_t i = 0; i < rest; ++i) w[i] = std::fma(-along, v[i], w[i]);
    panel.Keep(begin);
  }
  if (end >= dim_) return;
  const std::int64_t rest = dim_ - end;
  double* trailing = a.data() + end * dim_ + end;
  algebra.multiply_add(rest, rest, panel.count, -1.0, {panel.v + end, 1, dim_},
                       {panel.w.data() + end, dim_, 1}, trailing, dim_);
  algebra.multiply_add(rest, rest, panel.count, -1.0, {panel.w.data() + end, 1, dim_},
                       {panel.v + end, dim_, 1}, trailing, dim_);
}

Tridiagonal::Tridiagonal(std::vector<double> matrix, std::int64_t dim)
    : dim_(dim), diagonal_(dim), off_diagonal_(dim), reflectors_(dim * dim), scales_(dim) {
  Mirror(matrix, dim);
  for (std::int64_t first = 0; first < dim; first += kPanel)
    ReducePanel(matrix, first, std::min(first + kPanel, dim));
}

// H_0 H_1 ... = I - V^T F V with F upper triangular; Q^T z = z - V^T F^T V z.
void Tridiagonal::ApplyReflections(std::int64_t first, std::int64_t count, std::span<double> z,
                                   std::int64_t columns) const {
  const kernels::AlgebraKernels& algebra = kernels::Algebra();
  const std::int64_t begin = first + 1, rest = dim_ - begin;
  const double* v = reflectors_.data() + first * dim_ + begin;
  double overlaps[kPanel * kPanel] = {}, factor[kPanel * kPanel] = {};
  algebra.multiply_add(count, count, rest, 1.0, {v, dim_, 1}, {v, 1, dim_}, overlaps, kPanel);
  for (std::int64_t i = 0; i < count; ++i) {
    const double scale = scales_[first + i];
    for (std::int64_t p = 0; p < i; ++p) {
      double sum = 0;
      for (std::int64_t q = p; q < i; ++q) sum += factor[p * kPanel + q] * overlaps[q * kPanel + i];
      factor[p * kPanel + i] = -scale * sum;
    }
    factor[i * kPanel + i] = scale;
  }
  std::vector<double> products(count * columns), turned(count * columns);
  double* below = z.data() + begin * columns;
  algebra.multiply_add(count, columns, rest, 1.0, {v, dim_, 1}, {below, columns, 1},
                       products.data(), columns);
  algebra.multiply_add(count, columns, count, 1.0, {factor, 1, kPanel},
                       {products.data(), columns, 1}, turned.data(), columns);
  algebra.multiply_add(rest, columns, count, -1.0, {v, 1, dim_}, {turned.data(), columns, 1}, below,
                       columns);
}

void Tridiagonal::Rotate(std::span<double> z, std::int64_t columns) const {
  for (std::int64_t first = 0; first + 1 < dim_; first += kPanel)
    ApplyReflections(first, std::min(kPanel, dim_ - 1 - first), z, columns);
}

std::optional<Tridiagonal::Factor> Tridiagonal::Shifted(double shift) const {
  Factor factor{std::vector<double>(dim_), std::vector<double>(dim_)};
  double pivot = 0;
  for (std::int64_t i = 0; i < dim_; ++i) {
    const double before = i == 0 ? 0 : off_diagonal_[i - 1];
    factor.lower[i] = i == 0 ? 0 : before / pivot;
    pivot = diagonal_[i] + shift - factor.lower[i] * before;
    if (!(pivot > 0) || !std::isfinite(pivot)) return std::nullopt;
    factor.inverse[i] = 1 / pivot;
  }
  return factor;
}

void Tridiagonal::Factor::Solve(std::span<double> b, std::int64_t columns) const {
  const auto dim = static_cast<std::int64_t>(inverse.size());
  for (std::int64_t i = 1; i < dim; ++i)
    for (std::int64_t j = 0; j < columns; ++j)
      b[i * columns + j] -= lower[i] * b[(i - 1) * columns + j];
  for (std::int64_t i = dim - 1; i >= 0; --i)
    for (std::int64_t j = 0; j < columns; ++j) {
      double& x = b[i * columns + j];
      x *= inverse[i];
      if (i + 1 < dim) x -= lower[i + 1] * b[(i + 1) * columns + j];
    }
}

}  // namespace ctt::learn
