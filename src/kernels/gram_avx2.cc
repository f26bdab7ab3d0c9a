#include "kernels/gram_isa.h"

#if defined(__x86_64__)
#include <immintrin.h>

namespace ctt::kernels {
namespace {

#include "kernels/gram_body.inc"

struct Vector {
  static constexpr int kLanes = 8;
  using Register = __m256i;
  static Register Load(const std::int32_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Register LoadPairs(const std::int16_t* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void Store(std::int32_t* p, Register v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v);
  }
  static Register Broadcast(std::int32_t pair) { return _mm256_set1_epi32(pair); }
  static Register MulAddPairs(Register sum, Register a, Register b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
  }
};

}  // namespace

const GramKernels& GramKernelsAvx2() {
  static constexpr GramKernels kKernels = {&Add<Vector>};
  return kKernels;
}

}  // namespace ctt::kernels
#endif
