#pragma once
// Which words of a text speak for its label: the text is answered once more without each of them.
// Pure functions.
#include <string>
#include <string_view>
#include <vector>

namespace ctt::service {

// The words of a text, parted by ASCII white space, in order; the first kExplainedWordsMax.
inline constexpr std::size_t kExplainedWordsMax = 128;
std::vector<std::string_view> WordsOf(std::string_view text);

// The text without one of its WordsOf; what surrounds it stays. REQUIRES: `word` points into
// `text`.
std::string Without(std::string_view text, std::string_view word);

// log(p / (1 - p)), p kept 1e-9 away from 0 and 1.
double LogOdds(double probability);

}  // namespace ctt::service
