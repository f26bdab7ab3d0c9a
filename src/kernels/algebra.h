#pragma once
// Dense linear algebra of the learn room, fp64 and fp32, with one fixed order of summation.
//
// The rule that makes every ISA, block size and batch give the same bits: an output element is ONE
// chain of fused multiply-adds, in rising order of the summed index, that begins at the value
// already there. Vectors run across output elements, never along a sum, so their width leaves no
// trace. The reference twin is the three plain loops.
//
// Threads: pure functions of their arguments; at most 400 KiB of stack.
#include <cstddef>
#include <cstdint>

#include "kernels/isa.h"

namespace ctt::kernels {

// Element (i, j) is data[i * row_stride + j * column_stride]; strides may be negative.
template <typename T>
struct MatrixView {
  const T* data;
  std::ptrdiff_t row_stride;
  std::ptrdiff_t column_stride;
};

// Arrays called padded have a length that is a multiple of this.
inline constexpr std::int64_t kAlgebraPad = 16;

struct AlgebraKernels {
  // c[i,j] = fma(sign * a[i,k], b[k,j], c[i,j]) for k = 0 .. depth - 1. sign is +1 or -1; c is
  // row-major with stride c_stride.
  void (*multiply_add)(std::int64_t rows, std::int64_t columns, std::int64_t depth, double sign,
                       MatrixView<double> a, MatrixView<double> b, double* c,
                       std::ptrdiff_t c_stride);
  void (*multiply_add_f32)(std::int64_t rows, std::int64_t columns, std::int64_t depth, float sign,
                           MatrixView<float> a, MatrixView<float> b, float* c,
                           std::ptrdiff_t c_stride);

  // y[j] = fma(sign * coefficients[k * coefficient_stride], rows[k * row_stride + j], y[j]), k
  // rising.
  void (*add_rows)(std::int64_t columns, std::int64_t depth, double sign,
                   const double* coefficients, std::ptrdiff_t coefficient_stride,
                   const double* rows, std::ptrdiff_t row_stride, double* y);

  // out[c] = fma(phi[d], weights[d, c], out[c]), d rising; weights [dim, classes].
  void (*add_scores)(const std::int8_t* phi, std::int64_t dim, const float* weights,
                     std::int64_t classes, double* out);

  // Sparse times dense and its transpose; `columns` is padded, and the stride of `rows`:
  //   y[j] = fma(values[k], rows[entries[k], j], y[j])             k = 0 .. count - 1
  //   rows[entries[k], j] = fma(values[k], x[j], rows[entries[k], j])
  void (*add_entries_f32)(std::int64_t columns, std::int64_t count, const std::int32_t* entries,
                          const float* values, const float* rows, float* y);
  void (*add_to_entries_f32)(std::int64_t columns, std::int64_t count, const std::int32_t* entries,
                             const float* values, const float* x, float* rows);

  // x = e^x within 1 ulp or so, for x clamped to [-708, 708]; count is padded.
  void (*exponential)(double* x, std::int64_t count);

  // Squared norms under a factored tridiagonal matrix L diag(d) L^T, for all columns of z [dim,
  // rows]: y_i = z_i - lower_i y_{i-1}, out = sum_i y_i^2 inverse_i. rows is padded and the stride
  // of z.
  void (*tridiagonal_norms)(std::int64_t dim, std::int64_t rows, const double* z,
                            const double* lower, const double* inverse, double* out);

  // Of u_c = log_prior_c - beta / 2 * distance_c, column by column of distances [classes, rows]:
  // largest = max u, and with e_c = exp(u_c - largest) the sums of e, e * distance, e * distance^2,
  // c rising. rows is padded.
  void (*softmax_moments)(std::int64_t classes, std::int64_t rows, double beta,
                          const double* distances, const double* log_prior, double* largest,
                          double* sum, double* first, double* second);

  // out[j] = in[j] - means[j], or - means[0] for all when one_mean.
  void (*subtract_mean_f32)(std::int64_t count, const std::int8_t* in, const float* means,
                            bool one_mean, float* out);

  // Each column of z [classes, rows] becomes its softmax, c rising; rows is padded.
  void (*softmax_f32)(std::int64_t classes, std::int64_t rows, float* z);
};

// REQUIRES: isa is one of PresentIsas().
const AlgebraKernels& AlgebraKernelsFor(Isa isa);

// Those of ChooseIsa(), or of the best ISA present when CTT_FORCE_ISA is wrong (the program's start
// reports that). Chosen once.
const AlgebraKernels& Algebra();

}  // namespace ctt::kernels
