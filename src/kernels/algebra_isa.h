#pragma once
// The tables of algebra.h, one an instruction set, for its dispatch alone, and the constants of
// the exponentials, which every one of them shares.
#include "kernels/algebra.h"

namespace ctt::kernels {

const AlgebraKernels& AlgebraKernelsReference();
const AlgebraKernels& AlgebraKernelsAvx2();
const AlgebraKernels& AlgebraKernelsAvx512();
const AlgebraKernels& AlgebraKernelsNeon();

// e^x = 2^k e^r with k = rint(x / ln 2), |r| <= ln 2 / 2, and e^r by its Taylor series: the first
// term left out is below 2^-56 (fp64, degree 13) and 2^-27 (fp32, degree 7) of the whole.
template <typename T>
struct Exponential;

template <>
struct Exponential<double> {
  static constexpr double kLimit = 708.0;
  static constexpr double kInverseLn2 = 1.4426950408889634;
  static constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to integers.
  static constexpr double kLn2High = 6.93147180369123816490e-01;  // 21 trailing zero bits.
  static constexpr double kLn2Low = 1.90821492927058770002e-10;
  static constexpr int kTerms = 13;
  static constexpr double kInverseFactorial[14] = {1.0,
                                                   1.0,
                                                   1.0 / 2,
                                                   1.0 / 6,
                                                   1.0 / 24,
                                                   1.0 / 120,
                                                   1.0 / 720,
                                                   1.0 / 5040,
                                                   1.0 / 40320,
                                                   1.0 / 362880,
                                                   1.0 / 3628800,
                                                   1.0 / 39916800,
                                                   1.0 / 479001600,
                                                   1.0 / 6227020800.0};
};

template <>
struct Exponential<float> {
  static constexpr float kLimit = 87.0f;
  static constexpr float kInverseLn2 = 1.44269504f;
  static constexpr float kRound = 12582912.0f;  // 1.5 * 2^23.
  static constexpr float kLn2High = 0.693145752f;
  static constexpr float kLn2Low = 1.42860677e-6f;
  static constexpr int kTerms = 7;
  static constexpr float kInverseFactorial[8] = {1.0f,      1.0f,       1.0f / 2,   1.0f / 6,
                                                 1.0f / 24, 1.0f / 120, 1.0f / 720, 1.0f / 5040};
};

}  // namespace ctt::kernels
