#include "kernels/algebra_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if !defined( \
    __clang__)  // GCC 12 takes the undefined vectors inside its own AVX-512 intrinsics for a bug.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace ctt::kernels {
namespace {

struct Double {
  static constexpr int kLanes = 8;
  static constexpr int kTileRows = 8;
  static constexpr int kTileVectors = 3;
  using Register = __m512d;
  static Register Load(const double* p) { return _mm512_loadu_pd(p); }
  static Register LoadFloats(const float* p) { return _mm512_cvtps_pd(_mm256_loadu_ps(p)); }
  static void Store(double* p, Register v) { _mm512_storeu_pd(p, v); }
  static Register Set(double x) { return _mm512_set1_pd(x); }
  static Register Zero() { return _mm512_setzero_pd(); }
  static Register Fma(Register a, Register b, Register c) { return _mm512_fmadd_pd(a, b, c); }
  static Register Add(Register a, Register b) { return _mm512_add_pd(a, b); }
  static Register Sub(Register a, Register b) { return _mm512_sub_pd(a, b); }
  static Register Mul(Register a, Register b) { return _mm512_mul_pd(a, b); }
  static Register Max(Register a, Register b) { return _mm512_max_pd(a, b); }
  static Register Min(Register a, Register b) { return _mm512_min_pd(a, b); }
  static Register ScaleByPower(Register x, Register rounded) {
    return _mm512_castsi512_pd(_mm512_add_epi64(
        _mm512_castpd_si512(x), _mm512_slli_epi64(_mm512_castpd_si512(rounded), 52)));
  }
};

struct Float {
  static constexpr int kLanes = 16;
  static constexpr int kTileRows = 8;
  static constexpr int kTileVectors = 3;
  using Register = __m512;
  static Register Load(const float* p) { return _mm512_loadu_ps(p); }
  static Register LoadInt8(const std::int8_t* p) {
    return _mm512_cvtepi32_ps(
        _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static void Store(float* p, Register v) { _mm512_storeu_ps(p, v); }
  static Register Set(float x) { return _mm512_set1_ps(x); }
  static Register Zero() { return _mm512_setzero_ps(); }
  static Register Fma(Register a, Register b, Register c) { return _mm512_fmadd_ps(a, b, c); }
  static Register Add(Register a, Register b) { return _mm512_add_ps(a, b); }
  static Register Sub(Register a, Register b) { return _mm512_sub_ps(a, b); }
  static Register Mul(Register a, Register b) { return _mm512_mul_ps(a, b); }
  static Register Div(Register a, Register b) { return _mm512_div_ps(a, b); }
  static Register Max(Register a, Register b) { return _mm512_max_ps(a, b); }
  static Register Min(Register a, Register b) { return _mm512_min_ps(a, b); }
  static Register ScaleByPower(Register x, Register rounded) {
    return _mm512_castsi512_ps(_mm512_add_epi32(
        _mm512_castps_si512(x), _mm512_slli_epi32(_mm512_castps_si512(rounded), 23)));
  }
};

#include "kernels/algebra_body.inc"

}  // namespace

const AlgebraKernels& AlgebraKernelsAvx512() { return kTable; }

}  // namespace ctt::kernels
#endif
