// The plain twin of gram_body.inc: the sum as it is written.
#include "kernels/gram_isa.h"

namespace ctt::kernels {
namespace {

void Add(const std::int16_t* pairs, std::int32_t pair_count, std::int32_t dim, std::int32_t sign,
         std::int32_t* triangle) {
  for (std::int32_t p = 0; p < pair_count; ++p) {
    const std::int16_t* row = pairs + static_cast<std::size_t>(p) * dim * 2;
    for (std::int32_t i = 0; i < dim; ++i) {
      std::int32_t* out = triangle + GramOffset(i, dim);
      for (std::int32_t j = i; j < dim; ++j, ++out) {
        const std::int32_t product = row[2 * i] * row[2 * j] + row[2 * i + 1] * row[2 * j + 1];
        *out = static_cast<std::int32_t>(static_cast<std::uint32_t>(*out) +
                                         static_cast<std::uint32_t>(sign * product));
      }
    }
  }
}

}  // namespace

const GramKernels& GramKernelsReference() {
  static constexpr GramKernels kKernels = {&Add};
  return kKernels;
}

}  // namespace ctt::kernels
