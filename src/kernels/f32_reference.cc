#include "kernels/f32_tables.h"
#include "kernels/vec_reference.h"

// The body needs Vec, hence after.
#include "kernels/f32_body.inc"

namespace ctt::kernels {
const F32Kernels& F32Reference() { return kKernels; }
}  // namespace ctt::kernels
