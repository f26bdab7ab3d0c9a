#include "kernels/f32_kernels.h"

#include "kernels/f32_tables.h"

namespace ctt::kernels {

const F32Kernels& GetF32Kernels(Isa isa) {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx2:
    case Isa::kAvxVnni:
      return F32Avx2();
    case Isa::kAvx512:
    case Isa::kAvx512Vnni:
      return F32Avx512();
#elif defined(__aarch64__)
    case Isa::kNeon:
      return F32Neon();
#endif
    default:
      return F32Reference();
  }
}

std::size_t AttentionScratchFloats(std::int32_t tokens_max, std::int32_t width,
                                   std::int32_t heads) {
  constexpr std::size_t kRowsMax = 16;  // At least kTileRows of every ISA.
  const std::size_t padded = (static_cast<std::size_t>(tokens_max) + 15) / 16 * 16;
  return padded * (2 * static_cast<std::size_t>(width / heads) + kRowsMax);
}

void PackPanels(std::span<const float> weights, std::int32_t n, std::int32_t k,
                std::span<float> panels) {
  std::size_t next = 0;
  for (std::int32_t panel = 0; panel < n; panel += kPanelWidth)
    for (std::int32_t depth = 0; depth < k; ++depth)
      for (std::int32_t column = panel; column < panel + kPanelWidth; ++column)
        panels[next++] = weights[static_cast<std::size_t>(column) * k + depth];
}

}  // namespace ctt::kernels
