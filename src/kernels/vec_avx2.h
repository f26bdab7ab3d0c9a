#pragma once
// Vec on AVX2 + FMA: two registers of eight lanes. Contract: vec_reference.h.
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>

namespace ctt::kernels {
namespace {

#define CTT_VEC [[gnu::always_inline]] inline

inline constexpr int kLanes = 16;
// Six rows of one panel: 12 sums + 2 columns + 1 broadcast fill 15 of the 16 registers.
inline constexpr int kTileRows = 6;
inline constexpr int kTilePanels = 1;

struct Vec {
  __m256 lo, hi;
};

CTT_VEC Vec Load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
CTT_VEC void Store(float* p, Vec v) {
  _mm256_storeu_ps(p, v.lo);
  _mm256_storeu_ps(p + 8, v.hi);
}
CTT_VEC Vec Broadcast(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
CTT_VEC Vec operator+(Vec a, Vec b) {
  return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
CTT_VEC Vec operator-(Vec a, Vec b) {
  return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
CTT_VEC Vec operator*(Vec a, Vec b) {
  return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
CTT_VEC Vec Fma(Vec a, Vec b, Vec c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
CTT_VEC Vec Max(Vec a, Vec b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
CTT_VEC Vec Min(Vec a, Vec b) { return {_mm256_min_ps(a.lo, b.lo), _mm256_min_ps(a.hi, b.hi)}; }
CTT_VEC Vec Round(Vec v) {
  constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
  return {_mm256_round_ps(v.lo, kNearest), _mm256_round_ps(v.hi, kNearest)};
}
CTT_VEC __m256 Scale2Half(__m256 v, __m256 n) {
  const __m256i steps = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), steps));
}
CTT_VEC Vec Scale2(Vec v, Vec n) { return {Scale2Half(v.lo, n.lo), Scale2Half(v.hi, n.hi)}; }
CTT_VEC Vec KeepFirst(Vec v, int count, Vec fill) {
  const __m256i limit = _mm256_set1_epi32(count);
  const __m256i low = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i high = _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15);
  const __m256 keep_lo = _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, low));
  const __m256 keep_hi = _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, high));
  return {_mm256_blendv_ps(fill.lo, v.lo, keep_lo), _mm256_blendv_ps(fill.hi, v.hi, keep_hi)};
}
CTT_VEC float SumLanes(Vec v) {
  const __m256 eight = _mm256_add_ps(v.lo, v.hi);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
CTT_VEC float MaxLane(Vec v) {
  const __m256 eight = _mm256_max_ps(v.lo, v.hi);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

#undef CTT_VEC

}  // namespace
}  // namespace ctt::kernels
#endif
