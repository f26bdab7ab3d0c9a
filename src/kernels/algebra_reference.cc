// The plain twins of algebra_body.inc: each sum as algebra.h states it, element by element.
#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/algebra_isa.h"

namespace ctt::kernels {
namespace {

template <typename T>
void MultiplyAdd(std::int64_t rows, std::int64_t columns, std::int64_t depth, T sign,
                 MatrixView<T> a, MatrixView<T> b, T* c, std::ptrdiff_t c_stride) {
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t k = 0; k < depth; ++k) {
      const T left = sign * a.data[i * a.row_stride + k * a.column_stride];
      const T* right = b.data + k * b.row_stride;
      for (std::int64_t j = 0; j < columns; ++j)
        c[i * c_stride + j] = std::fma(left, right[j * b.column_stride], c[i * c_stride + j]);
    }
}

void AddRows(std::int64_t columns, std::int64_t depth, double sign, const double* coefficients,
             std::ptrdiff_t coefficient_stride, const double* rows, std::ptrdiff_t row_stride,
             double* y) {
  for (std::int64_t k = 0; k < depth; ++k)
    for (std::int64_t j = 0; j < columns; ++j)
      y[j] = std::fma(sign * coefficients[k * coefficient_stride], rows[k * row_stride + j], y[j]);
}

void AddScores(const std::int8_t* phi, std::int64_t dim, const float* weights, std::int64_t classes,
               double* out) {
  for (std::int64_t d = 0; d < dim; ++d)
    for (std::int64_t c = 0; c < classes; ++c)
      out[c] = std::fma(static_cast<double>(phi[d]), static_cast<double>(weights[d * classes + c]),
                        out[c]);
}

double ScaleByPower(double x, double rounded) {
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) +
                               (std::bit_cast<std::uint64_t>(rounded) << 52));
}
float ScaleByPower(float x, float rounded) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) +
                              (std::bit_cast<std::uint32_t>(rounded) << 23));
}

template <typename T>
T Exp(T x) {
  using E = Exponential<T>;
  x = std::min(std::max(x, -E::kLimit), E::kLimit);
  const T rounded = std::fma(x, E::kInverseLn2, E::kRound);
  const T k = rounded - E::kRound;
  const T r = std::fma(k, -E::kLn2Low, std::fma(k, -E::kLn2High, x));
  T sum = E::kInverseFactorial[E::kTerms];
  for (int i = E::kTerms - 1; i >= 0; --i) sum = std::fma(sum, r, E::kInverseFactorial[i]);
  return ScaleByPower(sum, rounded);
}

void ExponentialOf(double* x, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = Exp(x[i]);
}

void TridiagonalNorms(std::int64_t dim, std::int64_t rows, const double* z, const double* lower,
                      const double* inverse, double* out) {
  for (std::int64_t j = 0; j < rows; ++j) {
    double y = 0, sum = 0;
    for (std::int64_t i = 0; i < dim; ++i) {
      y = std::fma(-lower[i], y, z[i * rows + j]);
      sum = std::fma(y * y, inverse[i], sum);
    }
    out[j] = sum;
  }
}

void SoftmaxMoments(std::int64_t classes, std::int64_t rows, double beta, const double* distances,
                    const double* log_prior, double* largest, double* sum, double* first,
                    double* second) {
  for (std::int64_t j = 0; j < rows; ++j) {
    const auto u = [&](std::int64_t c) {
      return std::fma(-0.5 * beta, distances[c * rows + j], log_prior[c]);
    };
    double top = u(0);
    for (std::int64_t c = 1; c < classes; ++c) top = std::max(top, u(c));
    double sums = 0, firsts = 0, seconds = 0;
    for (std::int64_t c = 0; c < classes; ++c) {
      const double distance = distances[c * rows + j];
      const double e = Exp(u(c) - top);
      sums += e;
      firsts += e * distance;
      seconds = std::fma(e * distance, distance, seconds);
    }
    largest[j] = top;
    sum[j] = sums;
    first[j] = firsts;
    second[j] = seconds;
  }
}

void AddEntriesF32(std::int64_t columns, std::int64_t count, const std::int32_t* entries,
                   const float* values, const float* rows, float* y) {
  for (std::int64_t k = 0; k < count; ++k)
    for (std::int64_t j = 0; j < columns; ++j)
      y[j] = std::fma(values[k], rows[entries[k] * columns + j], y[j]);
}

void AddToEntriesF32(std::int64_t columns, std::int64_t count, const std::int32_t* entries,
                     const float* values, const float* x, float* rows) {
  for (std::int64_t k = 0; k < count; ++k)
    for (std::int64_t j = 0; j < columns; ++j) {
      float& sum = rows[entries[k] * columns + j];
      sum = std::fma(values[k], x[j], sum);
    }
}

void SubtractMeanF32(std::int64_t count, const std::int8_t* in, const float* means, bool one_mean,
                     float* out) {
  for (std::int64_t j = 0; j < count; ++j)
    out[j] = static_cast<float>(in[j]) - means[one_mean ? 0 : j];
}

void SoftmaxF32(std::int64_t classes, std::int64_t rows, float* z) {
  for (std::int64_t j = 0; j < rows; ++j) {
    float top = z[j];
    for (std::int64_t c = 1; c < classes; ++c) top = std::max(top, z[c * rows + j]);
    float sum = 0;
    for (std::int64_t c = 0; c < classes; ++c) sum += z[c * rows + j] = Exp(z[c * rows + j] - top);
    const float scale = 1.0f / sum;
    for (std::int64_t c = 0; c < classes; ++c) z[c * rows + j] *= scale;
  }
}

}  // namespace

const AlgebraKernels& AlgebraKernelsReference() {
  static constexpr AlgebraKernels kTable = {
      &MultiplyAdd<double>, &MultiplyAdd<float>, &AddRows,       &AddScores,
      &AddEntriesF32,       &AddToEntriesF32,    &ExponentialOf, &TridiagonalNorms,
      &SoftmaxMoments,      &SubtractMeanF32,    &SoftmaxF32};
  return kTable;
}

}  // namespace ctt::kernels
