#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include "kernels/f32_tables.h"
#include "kernels/vec_avx512.h"

// The body needs Vec, hence after.
#include "kernels/f32_body.inc"

namespace ctt::kernels {
const F32Kernels& F32Avx512() { return kKernels; }
}  // namespace ctt::kernels
#endif
