#include "kernels/algebra_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace ctt::kernels {
namespace {

struct Double {
  static constexpr int kLanes = 4;
  static constexpr int kTileRows = 4;
  static constexpr int kTileVectors = 3;
  using Register = __m256d;
  static Register Load(const double* p) { return _mm256_loadu_pd(p); }
  static Register LoadFloats(const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); }
  static void Store(double* p, Register v) { _mm256_storeu_pd(p, v); }
  static Register Set(double x) { return _mm256_set1_pd(x); }
  static Register Zero() { return _mm256_setzero_pd(); }
  static Register Fma(Register a, Register b, Register c) { return _mm256_fmadd_pd(a, b, c); }
  static Register Add(Register a, Register b) { return _mm256_add_pd(a, b); }
  static Register Sub(Register a, Register b) { return _mm256_sub_pd(a, b); }
  static Register Mul(Register a, Register b) { return _mm256_mul_pd(a, b); }
  static Register Max(Register a, Register b) { return _mm256_max_pd(a, b); }
  static Register Min(Register a, Register b) { return _mm256_min_pd(a, b); }
  static Register ScaleByPower(Register x, Register rounded) {
    return _mm256_castsi256_pd(_mm256_add_epi64(
        _mm256_castpd_si256(x), _mm256_slli_epi64(_mm256_castpd_si256(rounded), 52)));
  }
};

struct Float {
  static constexpr int kLanes = 8;
  static constexpr int kTileRows = 4;
  static constexpr int kTileVectors = 3;
  using Register = __m256;
  static Register Load(const float* p) { return _mm256_loadu_ps(p); }
  static Register LoadInt8(const std::int8_t* p) {
    return _mm256_cvtepi32_ps(
        _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  static void Store(float* p, Register v) { _mm256_storeu_ps(p, v); }
  static Register Set(float x) { return _mm256_set1_ps(x); }
  static Register Zero() { return _mm256_setzero_ps(); }
  static Register Fma(Register a, Register b, Register c) { return _mm256_fmadd_ps(a, b, c); }
  static Register Add(Register a, Register b) { return _mm256_add_ps(a, b); }
  static Register Sub(Register a, Register b) { return _mm256_sub_ps(a, b); }
  static Register Mul(Register a, Register b) { return _mm256_mul_ps(a, b); }
  static Register Div(Register a, Register b) { return _mm256_div_ps(a, b); }
  static Register Max(Register a, Register b) { return _mm256_max_ps(a, b); }
  static Register Min(Register a, Register b) { return _mm256_min_ps(a, b); }
  static Register ScaleByPower(Register x, Register rounded) {
    return _mm256_castsi256_ps(_mm256_add_epi32(
        _mm256_castps_si256(x), _mm256_slli_epi32(_mm256_castps_si256(rounded), 23)));
  }
};

#include "kernels/algebra_body.inc"

}  // namespace

const AlgebraKernels& AlgebraKernelsAvx2() { return kTable; }

}  // namespace ctt::kernels
#endif
