#pragma once
// "Did you mean": the names nearest to one that does not exist.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ctt {

// At most `count_max` of `names`, by edit distance (Levenshtein over bytes, ASCII case ignored),
// then by name; those further than half of the wanted name's length are left out.
std::vector<std::string> NearestNames(std::string_view wanted, std::span<const std::string> names,
                                      std::size_t count_max = 3);

// "; did you mean 'a' or 'b'?", or "" when nothing is near.
std::string DidYouMean(std::string_view wanted, std::span<const std::string> names);

}  // namespace ctt
