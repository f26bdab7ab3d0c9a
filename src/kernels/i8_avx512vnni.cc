// The int8 kernels on AVX-512 VNNI. Contract of the operations: i8_reference.cc.
#if defined(__AVX512VNNI__)
#include "kernels/i8_tables.h"
#include "kernels/ints_avx512.h"

namespace ctt::kernels {
namespace {

// Twelve rows of two panels: 24 sums + 4 of weights + 2 of activations, of 32 registers; low tiles
// are four panels wide, to have as many independent sums as the two ports and five cycles of a Dot
// ask for.
inline constexpr int kDotRows = 12;
inline constexpr int kDotPanels = 2;
inline constexpr int kDotPanelsWide = 4;
inline constexpr int kDotRowsWide = 5;

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

template <Operand kOperand>
[[gnu::always_inline]] inline Ints Dot(Ints sum, Eight x, const Octet& w) {
  return {_mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum.all, x.first, w.first), x.second, w.second)};
}

}  // namespace
}  // namespace ctt::kernels

#include "kernels/i8_body.inc"

namespace ctt::kernels {
const I8Kernels& I8Avx512Vnni() { return kI8Kernels; }
}  // namespace ctt::kernels
#endif
