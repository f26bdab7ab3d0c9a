#include "kernels/algebra.h"

#include "kernels/algebra_isa.h"

namespace ctt::kernels {

const AlgebraKernels& AlgebraKernelsFor(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
    case Isa::kAvxVnni:
      return AlgebraKernelsAvx2();
    case Isa::kAvx512:
    case Isa::kAvx512Vnni:
      return AlgebraKernelsAvx512();
#elif defined(__aarch64__)
    case Isa::kNeon:
      return AlgebraKernelsNeon();
#endif
    default:
      return AlgebraKernelsReference();
  }
}

const AlgebraKernels& Algebra() {
  static const AlgebraKernels& kernels = []() -> const AlgebraKernels& {
    const Result<Isa> isa = ChooseIsa();
    return AlgebraKernelsFor(isa.ok() ? *isa : PresentIsas().back());
  }();
  return kernels;
}

}  // namespace ctt::kernels
