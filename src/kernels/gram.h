#pragma once
// The Gram update: G += sign * X^T X over int8 rows, in exact integers. Rows are taken two at a
// time, as pairs of int16 that one multiply-add instruction sums into an int32 lane.
//
// G is a packed upper triangle of int32: row i holds columns i .. D - 1 and begins at
// GramOffset(i, D). The caller keeps n small enough that no entry passes int32 (kGramRowsMax).
// Sums wrap at 2^32 like the hardware's; every ISA gives the same bits by nature. Threads: pure
// functions of their arguments.
#include <cstddef>
#include <cstdint>

#include "kernels/isa.h"

namespace ctt::kernels {

// |G_ij| <= 127^2 n stays below 2^31 up to this many rows.
inline constexpr std::int64_t kGramRowsMax = 2147483647 / (127 * 127);

[[gnu::always_inline]] inline constexpr std::size_t GramOffset(std::size_t row, std::size_t dim) {
  return row * dim - row * (row - 1) / 2;
}

struct GramKernels {
  // pairs [pair_count, dim, 2]: pairs[p][j] = {x_2p[j], x_2p+1[j]}, entries in -127 .. 127 (zeros
  // where the second row is absent). sign is +1 or -1. triangle [dim (dim + 1) / 2].
  void (*add)(const std::int16_t* pairs, std::int32_t pair_count, std::int32_t dim,
              std::int32_t sign, std::int32_t* triangle);
};

// REQUIRES: isa is one of PresentIsas().
const GramKernels& GramKernelsFor(Isa isa);
// Those of the instruction set in use (isa.h).
const GramKernels& Gram();

}  // namespace ctt::kernels
