#include "kernels/i8_kernels.h"

#include "kernels/i8_tables.h"

namespace ctt::kernels {

const I8Kernels& GetI8Kernels(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
      return I8Avx2();
    case Isa::kAvxVnni:
      return I8AvxVnni();
    case Isa::kAvx512:
      return I8Avx512();
    case Isa::kAvx512Vnni:
      return I8Avx512Vnni();
#elif defined(__aarch64__)
    case Isa::kNeon:
      return I8Neon();
#endif
    default:
      return I8Reference();
  }
}

std::size_t AttentionI8ScratchBytes(std::int32_t tokens_max, std::int32_t width) {
  constexpr std::size_t kRowsMax = 16;  // At least kDotRows of every ISA.
  constexpr std::size_t kArrays = 8;
  const std::size_t padded = (static_cast<std::size_t>(tokens_max) + 15) / 16 * 16;
  const std::size_t row = static_cast<std::size_t>(width);
  const std::size_t text =
      padded * (3 * row + sizeof(std::int32_t));  // values; keys, queries <= row
  return 3 * row * sizeof(float) + text + kRowsMax * padded * (sizeof(std::int32_t) + 1) +
         kArrays * 64;
}

}  // namespace ctt::kernels
