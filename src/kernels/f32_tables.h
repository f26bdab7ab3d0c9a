#pragma once
// The fp32 kernels as each ISA's file defines them; only those of the architecture being built
// exist. Callers use GetF32Kernels (f32_kernels.h).
#include "kernels/f32_kernels.h"

namespace ctt::kernels {

const F32Kernels& F32Reference();
const F32Kernels& F32Avx2();
const F32Kernels& F32Avx512();
const F32Kernels& F32Neon();

}  // namespace ctt::kernels
