// The int8 kernels over plain lanes; here is also the meaning of the five operations that each
// ISA's file adds to its Ints: what an Octet and an Eight are, and how they multiply.
#include "kernels/i8_tables.h"
#include "kernels/ints_reference.h"

namespace ctt::kernels {
namespace {

// The tallest tile, and how many panels of 16 columns it is wide when it has `rows` rows.
inline constexpr int kDotRows = 4;
inline constexpr int kDotPanels = 1;
inline constexpr int kDotPanelsWide = 1;  // For tiles of at most kDotRowsWide rows.
inline constexpr int kDotRowsWide = 0;

// Eight consecutive k of sixteen columns: [2, 16, 4].
struct Octet {
  const std::int8_t* bytes;
};
inline Octet LoadOctet(const std::int8_t* p) { return {p}; }

// Eight consecutive k of one row.
struct Eight {
  const std::uint8_t* bytes;
};
template <Operand kOperand>
inline Eight LoadEight(const std::uint8_t* p) {
  return {p};
}

// What a sum over kWeights begins with, given -128 sum_k w; the start of the others is used as it
// is.
inline Ints WeightsStart(const Ints& minus_128_sum) { return minus_128_sum; }

// sum[j] + sum_k x[k] w[k, j], exactly.
template <Operand kOperand>
inline Ints Dot(const Ints& sum, const Eight& x, const Octet& w) {
  return EachInt([&](int j) {
    std::int32_t total = sum.lane[j];
    for (int k = 0; k < 8; ++k) total += x.bytes[k] * w.bytes[(k / 4 * kLanes + j) * 4 + k % 4];
    return total;
  });
}

}  // namespace
}  // namespace ctt::kernels

// The body needs the above, hence after.
#include "kernels/i8_body.inc"

namespace ctt::kernels {
const I8Kernels& I8Reference() { return kI8Kernels; }
}  // namespace ctt::kernels
