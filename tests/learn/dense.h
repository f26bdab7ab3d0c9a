#pragma once
// Dense arithmetic written the slow plain way, for tests that compare with it.
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace ctt::learn {

using Vector = std::vector<double>;

struct Matrix {
  std::size_t dim;
  Vector values;
  explicit Matrix(std::size_t size) : dim(size), values(size * size) {}
  double& at(std::size_t i, std::size_t j) { return values[i * dim + j]; }
  double at(std::size_t i, std::size_t j) const { return values[i * dim + j]; }
};

inline double Dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

inline Vector Less(Vector a, const Vector& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

// m^-1 b by elimination with pivots.
inline Vector SolveDense(Matrix m, Vector b) {
  const std::size_t n = m.dim;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::fabs(m.at(i, k)) > std::fabs(m.at(pivot, k))) pivot = i;
    for (std::size_t j = 0; j < n; ++j) std::swap(m.at(k, j), m.at(pivot, j));
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = m.at(i, k) / m.at(k, k);
      for (std::size_t j = k; j < n; ++j) m.at(i, j) -= factor * m.at(k, j);
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= m.at(k, j) * b[j];
    b[k] /= m.at(k, k);
  }
  return b;
}

inline Vector MeanOf(const std::vector<Vector>& rows) {
  Vector mean(rows.front().size());
  for (const Vector& row : rows)
    for (std::size_t j = 0; j < row.size(); ++j)
      mean[j] += row[j] / static_cast<double>(rows.size());
  return mean;
}

// Adds the scatter of rows about their mean.
inline void AddScatter(const std::vector<Vector>& rows, Matrix& scatter) {
  const Vector mean = MeanOf(rows);
  for (const Vector& row : rows) {
    const Vector x = Less(row, mean);
    for (std::size_t i = 0; i < x.size(); ++i)
      for (std::size_t j = 0; j < x.size(); ++j) scatter.at(i, j) += x[i] * x[j];
  }
}

inline void AddRidge(double ridge, Matrix& m) {
  for (std::size_t i = 0; i < m.dim; ++i) m.at(i, i) += ridge;
}

inline double Trace(const Matrix& m) {
  double sum = 0;
  for (std::size_t i = 0; i < m.dim; ++i) sum += m.at(i, i);
  return sum;
}

inline double SquaredNorm(const Matrix& m, const Vector& x) { return Dot(x, SolveDense(m, x)); }

inline Vector RowOf(const std::vector<std::int8_t>& phi, std::size_t row, std::size_t dim) {
  return {phi.begin() + static_cast<std::ptrdiff_t>(row * dim),
          phi.begin() + static_cast<std::ptrdiff_t>((row + 1) * dim)};
}

}  // namespace ctt::learn
