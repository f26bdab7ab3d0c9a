#include "kernels/algebra_isa.h"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace ctt::kernels {
namespace {

struct Double {
  static constexpr int kLanes = 2;
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 4;
  using Register = float64x2_t;
  static Register Load(const double* p) { return vld1q_f64(p); }
  static Register LoadFloats(const float* p) { return vcvt_f64_f32(vld1_f32(p)); }
  static void Store(double* p, Register v) { vst1q_f64(p, v); }
  static Register Set(double x) { return vdupq_n_f64(x); }
  static Register Zero() { return vdupq_n_f64(0); }
  static Register Fma(Register a, Register b, Register c) { return vfmaq_f64(c, a, b); }
  static Register Add(Register a, Register b) { return vaddq_f64(a, b); }
  static Register Sub(Register a, Register b) { return vsubq_f64(a, b); }
  static Register Mul(Register a, Register b) { return vmulq_f64(a, b); }
  static Register Max(Register a, Register b) { return vmaxq_f64(a, b); }
  static Register Min(Register a, Register b) { return vminq_f64(a, b); }
  static Register ScaleByPower(Register x, Register rounded) {
    return vreinterpretq_f64_s64(
        vaddq_s64(vreinterpretq_s64_f64(x), vshlq_n_s64(vreinterpretq_s64_f64(rounded), 52)));
  }
};

struct Float {
  static constexpr int kLanes = 4;
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 4;
  using Register = float32x4_t;
  static Register Load(const float* p) { return vld1q_f32(p); }
  static Register LoadInt8(const std::int8_t* p) {
    const std::int32_t lanes[4] = {p[0], p[1], p[2], p[3]};
    return vcvtq_f32_s32(vld1q_s32(lanes));
  }
  static void Store(float* p, Register v) { vst1q_f32(p, v); }
  static Register Set(float x) { return vdupq_n_f32(x); }
  static Register Zero() { return vdupq_n_f32(0); }
  static Register Fma(Register a, Register b, Register c) { return vfmaq_f32(c, a, b); }
  static Register Add(Register a, Register b) { return vaddq_f32(a, b); }
  static Register Sub(Register a, Register b) { return vsubq_f32(a, b); }
  static Register Mul(Register a, Register b) { return vmulq_f32(a, b); }
  static Register Div(Register a, Register b) { return vdivq_f32(a, b); }
  static Register Max(Register a, Register b) { return vmaxq_f32(a, b); }
  static Register Min(Register a, Register b) { return vminq_f32(a, b); }
  static Register ScaleByPower(Register x, Register rounded) {
    return vreinterpretq_f32_s32(
        vaddq_s32(vreinterpretq_s32_f32(x), vshlq_n_s32(vreinterpretq_s32_f32(rounded), 23)));
  }
};

#include "kernels/algebra_body.inc"

}  // namespace

const AlgebraKernels& AlgebraKernelsNeon() { return kTable; }

}  // namespace ctt::kernels
#endif
