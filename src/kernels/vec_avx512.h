#pragma once
// Vec on AVX-512 (F, BW, DQ, VL): one register. Contract: vec_reference.h.
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>

namespace ctt::kernels {
namespace {

#define CTT_VEC [[gnu::always_inline]] inline

inline constexpr int kLanes = 16;
// Twelve rows of two panels: 24 sums + 2 columns + broadcasts in 32 registers, and 14 loads for 24
// multiply-adds, so that neither the two load ports nor the latency of a sum is the limit.
inline constexpr int kTileRows = 12;
inline constexpr int kTilePanels = 2;

struct Vec {
  __m512 all;
};

CTT_VEC Vec Load(const float* p) { return {_mm512_loadu_ps(p)}; }
CTT_VEC void Store(float* p, Vec v) { _mm512_storeu_ps(p, v.all); }
CTT_VEC Vec Broadcast(float x) { return {_mm512_set1_ps(x)}; }
CTT_VEC Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.all, b.all)}; }
CTT_VEC Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.all, b.all)}; }
CTT_VEC Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.all, b.all)}; }
CTT_VEC Vec Fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.all, b.all, c.all)}; }
CTT_VEC Vec Max(Vec a, Vec b) { return {_mm512_max_ps(a.all, b.all)}; }
CTT_VEC Vec Min(Vec a, Vec b) { return {_mm512_min_ps(a.all, b.all)}; }
CTT_VEC Vec Round(Vec v) {
  return {_mm512_roundscale_ps(v.all, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
CTT_VEC Vec Scale2(Vec v, Vec n) { return {_mm512_scalef_ps(v.all, n.all)}; }
CTT_VEC Vec KeepFirst(Vec v, int count, Vec fill) {
  const unsigned keep = count >= kLanes ? 0xffffu : (1u << count) - 1u;
  return {_mm512_mask_mov_ps(fill.all, static_cast<__mmask16>(keep), v.all)};
}
CTT_VEC float SumLanes(Vec v) {
  const __m256 eight =
      _mm256_add_ps(_mm512_castps512_ps256(v.all), _mm512_extractf32x8_ps(v.all, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
CTT_VEC float MaxLane(Vec v) {
  const __m256 eight =
      _mm256_max_ps(_mm512_castps512_ps256(v.all), _mm512_extractf32x8_ps(v.all, 1));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

#undef CTT_VEC

}  // namespace
}  // namespace ctt::kernels
#endif
