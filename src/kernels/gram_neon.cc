#include "kernels/gram_isa.h"

#if defined(__aarch64__)
#include <arm_neon.h>

namespace ctt::kernels {
namespace {

#include "kernels/gram_body.inc"

struct Vector {
  static constexpr int kLanes = 4;
  using Register = int32x4_t;
  static Register Load(const std::int32_t* p) { return vld1q_s32(p); }
  static Register LoadPairs(const std::int16_t* p) { return vreinterpretq_s32_s16(vld1q_s16(p)); }
  static void Store(std::int32_t* p, Register v) { vst1q_s32(p, v); }
  static Register Broadcast(std::int32_t pair) { return vdupq_n_s32(pair); }
  static Register MulAddPairs(Register sum, Register a, Register b) {
    const int16x8_t left = vreinterpretq_s16_s32(a), right = vreinterpretq_s16_s32(b);
    const int32x4_t low = vmull_s16(vget_low_s16(left), vget_low_s16(right));
    const int32x4_t high = vmull_high_s16(left, right);
    return vaddq_s32(sum, vpaddq_s32(low, high));
  }
};

}  // namespace

const GramKernels& GramKernelsNeon() {
  static constexpr GramKernels kKernels = {&Add<Vector>};
  return kKernels;
}

}  // namespace ctt::kernels
#endif
