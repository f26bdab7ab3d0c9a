#if defined(__AVX2__) && defined(__FMA__)
#include "kernels/f32_tables.h"
#include "kernels/vec_avx2.h"

// The body needs Vec, hence after.
#include "kernels/f32_body.inc"

namespace ctt::kernels {
const F32Kernels& F32Avx2() { return kKernels; }
}  // namespace ctt::kernels
#endif
