#pragma once
// Ints on AArch64 Advanced SIMD: four registers of four lanes. Contract: ints_reference.h.
#include "kernels/vec_neon.h"
#if defined(__aarch64__)
#include <cstdint>

namespace ctt::kernels {
namespace {

#define CTT_INTS [[gnu::always_inline]] inline

struct Ints {
  int32x4_t q0, q1, q2, q3;
};

CTT_INTS Ints LoadInts(const std::int32_t* p) {
  return {vld1q_s32(p), vld1q_s32(p + 4), vld1q_s32(p + 8), vld1q_s32(p + 12)};
}
CTT_INTS void StoreInts(std::int32_t* p, Ints v) {
  vst1q_s32(p, v.q0);
  vst1q_s32(p + 4, v.q1);
  vst1q_s32(p + 8, v.q2);
  vst1q_s32(p + 12, v.q3);
}
CTT_INTS Ints BroadcastInt(std::int32_t x) {
  const int32x4_t q = vdupq_n_s32(x);
  return {q, q, q, q};
}
CTT_INTS Ints operator+(Ints a, Ints b) {
  return {vaddq_s32(a.q0, b.q0), vaddq_s32(a.q1, b.q1), vaddq_s32(a.q2, b.q2),
          vaddq_s32(a.q3, b.q3)};
}
CTT_INTS Ints operator-(Ints a, Ints b) {
  return {vsubq_s32(a.q0, b.q0), vsubq_s32(a.q1, b.q1), vsubq_s32(a.q2, b.q2),
          vsubq_s32(a.q3, b.q3)};
}
CTT_INTS Ints Max(Ints a, Ints b) {
  return {vmaxq_s32(a.q0, b.q0), vmaxq_s32(a.q1, b.q1), vmaxq_s32(a.q2, b.q2),
          vmaxq_s32(a.q3, b.q3)};
}
CTT_INTS std::int32_t MaxInt(Ints v) {
  return vmaxvq_s32(vmaxq_s32(vmaxq_s32(v.q0, v.q1), vmaxq_s32(v.q2, v.q3)));
}
CTT_INTS std::int32_t SumInts(Ints v) {
  return vaddvq_s32(vaddq_s32(vaddq_s32(v.q0, v.q1), vaddq_s32(v.q2, v.q3)));
}
CTT_INTS Vec ToFloats(Ints v) {
  return {vcvtq_f32_s32(v.q0), vcvtq_f32_s32(v.q1), vcvtq_f32_s32(v.q2), vcvtq_f32_s32(v.q3)};
}
CTT_INTS Ints ToInts(Vec v) {
  return {vcvtnq_s32_f32(v.q0), vcvtnq_s32_f32(v.q1), vcvtnq_s32_f32(v.q2), vcvtnq_s32_f32(v.q3)};
}
CTT_INTS Vec Abs(Vec v) {
  return {vabsq_f32(v.q0), vabsq_f32(v.q1), vabsq_f32(v.q2), vabsq_f32(v.q3)};
}
CTT_INTS uint8x16_t LowBytes(Ints v) {
  const int16x8_t low = vcombine_s16(vmovn_s32(v.q0), vmovn_s32(v.q1));
  const int16x8_t high = vcombine_s16(vmovn_s32(v.q2), vmovn_s32(v.q3));
  return vreinterpretq_u8_s8(vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}
CTT_INTS void StoreBytes(void* p, Ints v) { vst1q_u8(static_cast<std::uint8_t*>(p), LowBytes(v)); }
CTT_INTS void StoreByteQuads(void* p, Ints a, Ints b, Ints c, Ints d) {
  const uint8x16x4_t quads = {{LowBytes(a), LowBytes(b), LowBytes(c), LowBytes(d)}};
  vst4q_u8(static_cast<std::uint8_t*>(p), quads);
}

#undef CTT_INTS

}  // namespace
}  // namespace ctt::kernels
#endif
