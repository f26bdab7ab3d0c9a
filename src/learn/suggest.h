#pragma once
// Which unlabelled texts to label next: those that the head is least sure of, and unlike each
// other.
//
// One after another, the text with the greatest uncertainty x distance, where the distance is to
// the nearest one chosen before it (neighbours.h), and 1 for the first. A text that repeats a
// chosen one is never chosen. Ties by index. Threads: a pure function. Cost: n x count dot
// products.
#include <cstdint>
#include <span>
#include <vector>

namespace ctt::learn {

// phi [n, dim], uncertainty [n] in [0, 1]. At most `count` indices; fewer when the others repeat
// them or are certain.
std::vector<std::size_t> SuggestRows(std::span<const std::int8_t> phi, std::int32_t dim,
                                     std::span<const double> uncertainty, std::size_t count);

}  // namespace ctt::learn
