// The int8 kernels on AArch64 with SDOT. Contract of the operations: i8_reference.cc.
#if defined(__aarch64__) && defined(__ARM_FEATURE_DOTPROD)
#include "kernels/i8_tables.h"
#include "kernels/ints_neon.h"

namespace ctt::kernels {
namespace {

// Five rows of one panel: 20 sums + 8 of weights + those at work, of 32 registers.
inline constexpr int kDotRows = 5;
inline constexpr int kDotPanels = 1;
inline constexpr int kDotPanelsWide = 1;
inline constexpr int kDotRowsWide = 0;

struct Octet {
  int8x16_t first[4], second[4];
};
[[gnu::always_inline]] inline Octet LoadOctet(const std::int8_t* p) {
  return {{vld1q_s8(p), vld1q_s8(p + 16), vld1q_s8(p + 32), vld1q_s8(p + 48)},
          {vld1q_s8(p + 64), vld1q_s8(p + 80), vld1q_s8(p + 96), vld1q_s8(p + 112)}};
}

struct Eight {
  uint8x8_t bytes;
};
template <Operand kOperand>
[[gnu::always_inline]] inline Eight LoadEight(const std::uint8_t* p) {
  return {vld1_u8(p)};
}

// SDOT takes signed bytes: a - 128 is one, so the sum needs no correction.
[[gnu::always_inline]] inline Ints WeightsStart(Ints) { return BroadcastInt(0); }

[[gnu::always_inline]] inline Ints DotSigned(Ints sum, int8x8_t x, const Octet& w) {
  sum = {vdotq_lane_s32(sum.q0, w.first[0], x, 0), vdotq_lane_s32(sum.q1, w.first[1], x, 0),
         vdotq_lane_s32(sum.q2, w.first[2], x, 0), vdotq_lane_s32(sum.q3, w.first[3], x, 0)};
  return {vdotq_lane_s32(sum.q0, w.second[0], x, 1), vdotq_lane_s32(sum.q1, w.second[1], x, 1),
          vdotq_lane_s32(sum.q2, w.second[2], x, 1), vdotq_lane_s32(sum.q3, w.second[3], x, 1)};
}
template <Operand kOperand>
[[gnu::always_inline]] inline Ints Dot(Ints sum, Eight x, const Octet& w) {
  if constexpr (kOperand == Operand::kWeights)
    return DotSigned(sum, vreinterpret_s8_u8(veor_u8(x.bytes, vdup_n_u8(128))), w);
  if constexpr (kOperand == Operand::kKeys) return DotSigned(sum, vreinterpret_s8_u8(x.bytes), w);
  // x = h + (x - h) with h = x / 2 rounded down: both are signed bytes, for x is at most 254.
  const uint8x8_t half = vshr_n_u8(x.bytes, 1);
  sum = DotSigned(sum, vreinterpret_s8_u8(half), w);
  return DotSigned(sum, vreinterpret_s8_u8(vsub_u8(x.bytes, half)), w);
}

}  // namespace
}  // namespace ctt::kernels

#include "kernels/i8_body.inc"

namespace ctt::kernels {
const I8Kernels& I8Neon() { return kI8Kernels; }
}  // namespace ctt::kernels
#endif
