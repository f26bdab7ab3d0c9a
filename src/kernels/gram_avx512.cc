#include "kernels/gram_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace ctt::kernels {
namespace {

#include "kernels/gram_body.inc"

struct Vector {
  static constexpr int kLanes = 16;
  using Register = __m512i;
  static Register Load(const std::int32_t* p) { return _mm512_loadu_si512(p); }
  static Register LoadPairs(const std::int16_t* p) { return _mm512_loadu_si512(p); }
  static void Store(std::int32_t* p, Register v) { _mm512_storeu_si512(p, v); }
  static Register Broadcast(std::int32_t pair) { return _mm512_set1_epi32(pair); }
  static Register MulAddPairs(Register sum, Register a, Register b) {
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
  }
};

}  // namespace

const GramKernels& GramKernelsAvx512() {
  static constexpr GramKernels kKernels = {&Add<Vector>};
  return kKernels;
}

}  // namespace ctt::kernels
#endif
