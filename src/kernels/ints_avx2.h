#pragma once
// Ints on AVX2: two registers of eight lanes. Contract: ints_reference.h.
#include "kernels/vec_avx2.h"
#if defined(__AVX2__) && defined(__FMA__)
#include <cstdint>

namespace ctt::kernels {
namespace {

#define CTT_INTS [[gnu::always_inline]] inline

struct Ints {
  __m256i lo, hi;
};

CTT_INTS Ints LoadInts(const std::int32_t* p) {
  const auto* at = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
}
CTT_INTS void StoreInts(std::int32_t* p, Ints v) {
  auto* at = reinterpret_cast<__m256i*>(p);
  _mm256_storeu_si256(at, v.lo);
  _mm256_storeu_si256(at + 1, v.hi);
}
CTT_INTS Ints BroadcastInt(std::int32_t x) { return {_mm256_set1_epi32(x), _mm256_set1_epi32(x)}; }
CTT_INTS Ints operator+(Ints a, Ints b) {
  return {_mm256_add_epi32(a.lo, b.lo), _mm256_add_epi32(a.hi, b.hi)};
}
CTT_INTS Ints operator-(Ints a, Ints b) {
  return {_mm256_sub_epi32(a.lo, b.lo), _mm256_sub_epi32(a.hi, b.hi)};
}
CTT_INTS Ints Max(Ints a, Ints b) {
  return {_mm256_max_epi32(a.lo, b.lo), _mm256_max_epi32(a.hi, b.hi)};
}
CTT_INTS std::int32_t MaxInt(Ints v) {
  const __m256i eight = _mm256_max_epi32(v.lo, v.hi);
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}
CTT_INTS std::int32_t SumInts(Ints v) {
  const __m256i eight = _mm256_add_epi32(v.lo, v.hi);
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(four, _mm_shuffle_epi32(four, 0xb1)));
}
CTT_INTS Vec ToFloats(Ints v) { return {_mm256_cvtepi32_ps(v.lo), _mm256_cvtepi32_ps(v.hi)}; }
CTT_INTS Ints ToInts(Vec v) { return {_mm256_cvtps_epi32(v.lo), _mm256_cvtps_epi32(v.hi)}; }
CTT_INTS Vec Abs(Vec v) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  return {_mm256_andnot_ps(sign, v.lo), _mm256_andnot_ps(sign, v.hi)};
}
CTT_INTS void StoreBytes(void* p, Ints v) {
  const __m256i low = _mm256_set1_epi32(255);
  // Packing works within halves of 128 bits: lanes 0-3 8-11 | 4-7 12-15, set right by the
  // permutation.
  const __m256i words =
      _mm256_packus_epi32(_mm256_and_si256(v.lo, low), _mm256_and_si256(v.hi, low));
  const __m256i ordered = _mm256_permute4x64_epi64(words, 0xd8);
  const __m128i bytes =
      _mm_packus_epi16(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
  _mm_storeu_si128(static_cast<__m128i*>(p), bytes);
}
CTT_INTS __m256i ByteQuads(__m256i a, __m256i b, __m256i c, __m256i d) {
  const __m256i low = _mm256_set1_epi32(255);
  const __m256i ab =
      _mm256_or_si256(_mm256_and_si256(a, low), _mm256_slli_epi32(_mm256_and_si256(b, low), 8));
  const __m256i cd =
      _mm256_or_si256(_mm256_slli_epi32(_mm256_and_si256(c, low), 16), _mm256_slli_epi32(d, 24));
  return _mm256_or_si256(ab, cd);
}
CTT_INTS void StoreByteQuads(void* p, Ints a, Ints b, Ints c, Ints d) {
  auto* at = static_cast<__m256i*>(p);
  _mm256_storeu_si256(at, ByteQuads(a.lo, b.lo, c.lo, d.lo));
  _mm256_storeu_si256(at + 1, ByteQuads(a.hi, b.hi, c.hi, d.hi));
}

#undef CTT_INTS

}  // namespace
}  // namespace ctt::kernels
#endif
