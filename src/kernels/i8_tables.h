#pragma once
// The int8 kernels as each ISA's file defines them; only those of the architecture being built
// exist. Callers use GetI8Kernels (i8_kernels.h).
#include "kernels/i8_kernels.h"

namespace ctt::kernels {

// What the bytes of a product are, which bounds its 16-bit sums (i8_kernels.h).
enum class Operand { kWeights, kKeys, kValues };

const I8Kernels& I8Reference();
const I8Kernels& I8Avx2();
const I8Kernels& I8AvxVnni();
const I8Kernels& I8Avx512();
const I8Kernels& I8Avx512Vnni();
const I8Kernels& I8Neon();

}  // namespace ctt::kernels
