#pragma once
// Ints on AVX-512 (F, BW, DQ, VL): one register. Contract: ints_reference.h.
#include "kernels/vec_avx512.h"
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <cstdint>

namespace ctt::kernels {
namespace {

#define CTT_INTS [[gnu::always_inline]] inline

struct Ints {
  __m512i all;
};

CTT_INTS Ints LoadInts(const std::int32_t* p) { return {_mm512_loadu_si512(p)}; }
CTT_INTS void StoreInts(std::int32_t* p, Ints v) { _mm512_storeu_si512(p, v.all); }
CTT_INTS Ints BroadcastInt(std::int32_t x) { return {_mm512_set1_epi32(x)}; }
CTT_INTS Ints operator+(Ints a, Ints b) { return {_mm512_add_epi32(a.all, b.all)}; }
CTT_INTS Ints operator-(Ints a, Ints b) { return {_mm512_sub_epi32(a.all, b.all)}; }
CTT_INTS Ints Max(Ints a, Ints b) { return {_mm512_max_epi32(a.all, b.all)}; }
CTT_INTS std::int32_t MaxInt(Ints v) { return _mm512_reduce_max_epi32(v.all); }
CTT_INTS std::int32_t SumInts(Ints v) { return _mm512_reduce_add_epi32(v.all); }
CTT_INTS Vec ToFloats(Ints v) { return {_mm512_cvtepi32_ps(v.all)}; }
CTT_INTS Ints ToInts(Vec v) { return {_mm512_cvtps_epi32(v.all)}; }
CTT_INTS Vec Abs(Vec v) { return {_mm512_abs_ps(v.all)}; }
CTT_INTS void StoreBytes(void* p, Ints v) {
  _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v.all));
}
CTT_INTS void StoreByteQuads(void* p, Ints a, Ints b, Ints c, Ints d) {
  const __m512i low = _mm512_set1_epi32(255);
  const __m512i ab = _mm512_or_si512(_mm512_and_si512(a.all, low),
                                     _mm512_slli_epi32(_mm512_and_si512(b.all, low), 8));
  const __m512i cd = _mm512_or_si512(_mm512_slli_epi32(_mm512_and_si512(c.all, low), 16),
                                     _mm512_slli_epi32(d.all, 24));
  _mm512_storeu_si512(p, _mm512_or_si512(ab, cd));
}

#undef CTT_INTS

}  // namespace
}  // namespace ctt::kernels
#endif
