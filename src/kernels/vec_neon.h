#pragma once
// Vec on AArch64 Advanced SIMD: four registers of four lanes. Contract: vec_reference.h.
#if defined(__aarch64__)
#include <arm_neon.h>

namespace ctt::kernels {
namespace {

#define CTT_VEC [[gnu::always_inline]] inline

inline constexpr int kLanes = 16;
// Six rows of one panel: 24 sums + 4 columns + broadcasts in 32 registers.
inline constexpr int kTileRows = 6;
inline constexpr int kTilePanels = 1;

struct Vec {
  float32x4_t q0, q1, q2, q3;
};

CTT_VEC Vec Load(const float* p) {
  return {vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)};
}
CTT_VEC void Store(float* p, Vec v) {
  vst1q_f32(p, v.q0);
  vst1q_f32(p + 4, v.q1);
  vst1q_f32(p + 8, v.q2);
  vst1q_f32(p + 12, v.q3);
}
CTT_VEC Vec Broadcast(float x) {
  const float32x4_t q = vdupq_n_f32(x);
  return {q, q, q, q};
}
CTT_VEC Vec operator+(Vec a, Vec b) {
  return {vaddq_f32(a.q0, b.q0), vaddq_f32(a.q1, b.q1), vaddq_f32(a.q2, b.q2),
          vaddq_f32(a.q3, b.q3)};
}
CTT_VEC Vec operator-(Vec a, Vec b) {
  return {vsubq_f32(a.q0, b.q0), vsubq_f32(a.q1, b.q1), vsubq_f32(a.q2, b.q2),
          vsubq_f32(a.q3, b.q3)};
}
CTT_VEC Vec operator*(Vec a, Vec b) {
  return {vmulq_f32(a.q0, b.q0), vmulq_f32(a.q1, b.q1), vmulq_f32(a.q2, b.q2),
          vmulq_f32(a.q3, b.q3)};
}
CTT_VEC Vec Fma(Vec a, Vec b, Vec c) {
  return {vfmaq_f32(c.q0, a.q0, b.q0), vfmaq_f32(c.q1, a.q1, b.q1), vfmaq_f32(c.q2, a.q2, b.q2),
          vfmaq_f32(c.q3, a.q3, b.q3)};
}
CTT_VEC Vec Max(Vec a, Vec b) {
  return {vmaxq_f32(a.q0, b.q0), vmaxq_f32(a.q1, b.q1), vmaxq_f32(a.q2, b.q2),
          vmaxq_f32(a.q3, b.q3)};
}
CTT_VEC Vec Min(Vec a, Vec b) {
  return {vminq_f32(a.q0, b.q0), vminq_f32(a.q1, b.q1), vminq_f32(a.q2, b.q2),
          vminq_f32(a.q3, b.q3)};
}
CTT_VEC Vec Round(Vec v) {
  return {vrndnq_f32(v.q0), vrndnq_f32(v.q1), vrndnq_f32(v.q2), vrndnq_f32(v.q3)};
}
CTT_VEC float32x4_t Scale2Quarter(float32x4_t v, float32x4_t n) {
  const int32x4_t steps = vshlq_n_s32(vcvtq_s32_f32(n), 23);
  return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(v), steps));
}
CTT_VEC Vec Scale2(Vec v, Vec n) {
  return {Scale2Quarter(v.q0, n.q0), Scale2Quarter(v.q1, n.q1), Scale2Quarter(v.q2, n.q2),
          Scale2Quarter(v.q3, n.q3)};
}
CTT_VEC float32x4_t KeepQuarter(float32x4_t v, int count, float32x4_t fill) {
  const int32_t order[4] = {0, 1, 2, 3};
  return vbslq_f32(vcltq_s32(vld1q_s32(order), vdupq_n_s32(count)), v, fill);
}
CTT_VEC Vec KeepFirst(Vec v, int count, Vec fill) {
  return {KeepQuarter(v.q0, count, fill.q0), KeepQuarter(v.q1, count - 4, fill.q1),
          KeepQuarter(v.q2, count - 8, fill.q2), KeepQuarter(v.q3, count - 12, fill.q3)};
}
CTT_VEC float SumLanes(Vec v) {
  const float32x4_t low = vaddq_f32(v.q0, v.q2), high = vaddq_f32(v.q1, v.q3);
  const float32x4_t four = vaddq_f32(low, high);
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
CTT_VEC float MaxLane(Vec v) {
  return vmaxvq_f32(vmaxq_f32(vmaxq_f32(v.q0, v.q1), vmaxq_f32(v.q2, v.q3)));
}

#undef CTT_VEC

}  // namespace
}  // namespace ctt::kernels
#endif
