#pragma once
// The tables of gram.h, one an instruction set, for its dispatch alone.
#include "kernels/gram.h"

namespace ctt::kernels {

const GramKernels& GramKernelsReference();
const GramKernels& GramKernelsAvx2();
const GramKernels& GramKernelsAvxVnni();
const GramKernels& GramKernelsAvx512();
const GramKernels& GramKernelsAvx512Vnni();
const GramKernels& GramKernelsNeon();

}  // namespace ctt::kernels
