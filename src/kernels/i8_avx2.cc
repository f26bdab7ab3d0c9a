// The int8 kernels on AVX2. Contract of the operations: i8_reference.cc.
#if defined(__AVX2__) && defined(__FMA__)
#include "kernels/i8_tables.h"
#include "kernels/ints_avx2.h"

namespace ctt::kernels {
namespace {

// Four rows of one panel: 8 sums + 4 of weights + 2 of activations + 2 at work fill the 16
// registers.
inline constexpr int kDotRows = 4;
inline constexpr int kDotPanels = 1;
inline constexpr int kDotPanelsWide = 1;
inline constexpr int kDotRowsWide = 0;

struct Octet {
  __m256i first_lo, first_hi, second_lo, second_hi;
};
[[gnu::always_inline]] inline Octet LoadOctet(const std::int8_t* p) {
  const auto* at = reinterpret_cast<const __m256i*>(p);
  return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1), _mm256_loadu_si256(at + 2),
          _mm256_loadu_si256(at + 3)};
}

// Read as two loads, so that each is a broadcast from memory and costs no shuffle.
using Quad [[gnu::may_alias, gnu::aligned(1)]] = std::int32_t;
struct Eight {
  __m256i first, second;
};
template <Operand kOperand>
[[gnu::always_inline]] inline Eight LoadEight(const std::uint8_t* p) {
  const auto* quads = reinterpret_cast<const Quad*>(p);
  return {_mm256_set1_epi32(quads[0]), _mm256_set1_epi32(quads[1])};
}

[[gnu::always_inline]] inline Ints WeightsStart(Ints minus_128_sum) { return minus_128_sum; }

// The 16-bit sums hold four products; of values, whose bound is twice as wide, two.
template <Operand kOperand>
[[gnu::always_inline]] inline __m256i DotHalf(__m256i sum, Eight x, __m256i first, __m256i second) {
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i a = _mm256_maddubs_epi16(x.first, first);
  const __m256i b = _mm256_maddubs_epi16(x.second, second);
  if constexpr (kOperand == Operand::kValues) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, ones));
    return _mm256_add_epi32(sum, _mm256_madd_epi16(b, ones));
  }
  return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(a, b), ones));
}
template <Operand kOperand>
[[gnu::always_inline]] inline Ints Dot(Ints sum, Eight x, const Octet& w) {
  return {DotHalf<kOperand>(sum.lo, x, w.first_lo, w.second_lo),
          DotHalf<kOperand>(sum.hi, x, w.first_hi, w.second_hi)};
}

}  // namespace
}  // namespace ctt::kernels

#include "kernels/i8_body.inc"

namespace ctt::kernels {
const I8Kernels& I8Avx2() { return kI8Kernels; }
}  // namespace ctt::kernels
#endif
