#include "kernels/gram.h"

#include "kernels/gram_isa.h"

namespace ctt::kernels {

const GramKernels& GramKernelsFor(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
      return GramKernelsAvx2();
    case Isa::kAvxVnni:
      return GramKernelsAvxVnni();
    case Isa::kAvx512:
      return GramKernelsAvx512();
    case Isa::kAvx512Vnni:
      return GramKernelsAvx512Vnni();
#elif defined(__aarch64__)
    case Isa::kNeon:
      return GramKernelsNeon();
#endif
    default:
      return GramKernelsReference();
  }
}

const GramKernels& Gram() {
  static const GramKernels& table = []() -> const GramKernels& {
    const Result<Isa> isa = ChooseIsa();
    return GramKernelsFor(isa.ok() ? *isa : PresentIsas().back());
  }();
  return table;
}

}  // namespace ctt::kernels
