// The int8 kernels on AVX-VNNI, 256 bits wide. Contract of the operations: i8_reference.cc.
#if defined(__AVXVNNI__)
#include "kernels/i8_tables.h"
#include "kernels/ints_avx2.h"

namespace ctt::kernels {
namespace {

// Five rows of one panel: 10 sums + 4 of weights + 2 of activations fill the 16 registers.
inline constexpr int kDotRows = 5;
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

template <Operand kOperand>
[[gnu::always_inline]] inline Ints Dot(Ints sum, Eight x, const Octet& w) {
  sum = {_mm256_dpbusd_avx_epi32(sum.lo, x.first, w.first_lo),
         _mm256_dpbusd_avx_epi32(sum.hi, x.first, w.first_hi)};
  return {_mm256_dpbusd_avx_epi32(sum.lo, x.second, w.second_lo),
          _mm256_dpbusd_avx_epi32(sum.hi, x.second, w.second_hi)};
}

}  // namespace
}  // namespace ctt::kernels

#include "kernels/i8_body.inc"

namespace ctt::kernels {
const I8Kernels& I8AvxVnni() { return kI8Kernels; }
}  // namespace ctt::kernels
#endif
