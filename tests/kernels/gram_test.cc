#include "kernels/gram.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace ctt::kernels {
namespace {

struct Shape {
  std::int32_t pair_count, dim;
};
constexpr Shape kShapes[] = {{1, 1}, {1, 7}, {2, 33}, {3, 64}, {33, 70}, {40, 131}, {65, 37}};

std::vector<std::int16_t> RandomPairs(Shape shape, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::int16_t> pairs(static_cast<std::size_t>(shape.pair_count) * shape.dim * 2);
  for (std::int16_t& x : pairs)
    x = static_cast<std::int16_t>(static_cast<int>(random() % 255) - 127);
  return pairs;
}

TEST(GramTest, ReferenceIsTheSumOfOuterProducts) {
  const std::int16_t pairs[] = {1, 2, 3, -4, 5, 6};  // Rows (1, 3, 5) and (2, -4, 6).
  std::vector<std::int32_t> triangle = {100, 0, 0, 0, 0, 0};
  GramKernelsFor(Isa::kReference).add(pairs, 1, 3, -1, triangle.data());
  EXPECT_EQ(triangle, (std::vector<std::int32_t>{95, 5, -17, -25, 9, -61}));
}

TEST(GramTest, EveryIsaGivesTheReferenceIntegers) {
  for (const Shape shape : kShapes) {
    const auto pairs = RandomPairs(shape, 7);
    std::vector<std::int32_t> start(GramOffset(shape.dim, shape.dim));
    for (std::size_t i = 0; i < start.size(); ++i) start[i] = static_cast<std::int32_t>(i) - 50;
    for (const std::int32_t sign : {1, -1}) {
      std::vector<std::int32_t> expected = start;
      GramKernelsFor(Isa::kReference)
          .add(pairs.data(), shape.pair_count, shape.dim, sign, expected.data());
      for (const Isa isa : PresentIsas()) {
        std::vector<std::int32_t> triangle = start;
        GramKernelsFor(isa).add(pairs.data(), shape.pair_count, shape.dim, sign, triangle.data());
        EXPECT_EQ(triangle, expected) << IsaName(isa) << " D=" << shape.dim << " sign=" << sign;
      }
    }
  }
}

}  // namespace
}  // namespace ctt::kernels
