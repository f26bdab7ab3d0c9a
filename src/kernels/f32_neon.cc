#if defined(__aarch64__)
#include "kernels/f32_tables.h"
#include "kernels/vec_neon.h"

// The body needs Vec, hence after.
#include "kernels/f32_body.inc"

namespace ctt::kernels {
const F32Kernels& F32Neon() { return kKernels; }
}  // namespace ctt::kernels
#endif
