// The int8 kernels on AVX-512 without VNNI. Contract of the operations: i8_reference.cc.
#if defined(__AVX512F__) && defined(__AVX512BW__)
#include "kernels/i8_tables.h"
#include "kernels/ints_avx512.h"

namespace ctt::kernels {
namespace {

// Ten rows of two panels: 20 sums + 4 of weights + 2 of activations + 1 + those at work, of 32
// registers.
inline constexpr int kDotRows = 10;
inline constexpr int kDotPanels = 2;
inline constexpr int kDotPanelsWide = 2;
inline constexpr int kDotRowsWide = 0;

struct Octet {
  __m512i first, second;
};
[[gnu::always_inline]] inline Octet LoadOctet(const std::int8_t* p) {
  return {_mm512_loadu_si512(p), _mm512_loadu_si512(p + 64)};
}

// Read as two loads, so that each is a broadcast from memory and costs no shuffle.
using Quad [[gnu::may_alias, gnu::aligned(1)]] = std::int32_t;
struct Eight {
  __m512i first, second;
};
template <Operand kOperand>
[[gnu::always_inline]] inline Eight LoadEight(const std::uint8_t* p) {
  const auto* quads = reinterpret_cast<const Quad*>(p);
  return {_mm512_set1_epi32(quads[0]), _mm512_set1_epi32(quads[1])};
}

[[gnu::always_inline]] inline Ints WeightsStart(Ints minus_128_sum) { return minus_128_sum; }

// The 16-bit sums hold four products; of values, whose bound is twice as wide, two.
template <Operand kOperand>
[[gnu::always_inline]] inline Ints Dot(Ints sum, Eight x, const Octet& w) {
  const __m512i ones = _mm512_set1_epi16(1);
  const __m512i a = _mm512_maddubs_epi16(x.first, w.first);
  const __m512i b = _mm512_maddubs_epi16(x.second, w.second);
  if constexpr (kOperand == Operand::kValues) {
    const __m512i half = _mm512_add_epi32(sum.all, _mm512_madd_epi16(a, ones));
    return {_mm512_add_epi32(half, _mm512_madd_epi16(b, ones))};
  }
  return {_mm512_add_epi32(sum.all, _mm512_madd_epi16(_mm512_add_epi16(a, b), ones))};
}

}  // namespace
}  // namespace ctt::kernels

#include "kernels/i8_body.inc"

namespace ctt::kernels {
const I8Kernels& I8Avx512() { return kI8Kernels; }
}  // namespace ctt::kernels
#endif
