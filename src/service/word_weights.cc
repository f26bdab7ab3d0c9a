#include "service/word_weights.h"

#include <algorithm>

#include "learn/logarithm.h"

namespace ctt::service {

std::vector<std::string_view> WordsOf(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  std::vector<std::string_view> words;
  for (std::size_t first = text.find_first_not_of(kSpace);
       first != std::string_view::npos && words.size() < kExplainedWordsMax;) {
    const std::size_t end = std::min(text.find_first_of(kSpace, first), text.size());
    words.push_back(text.substr(first, end - first));
    first = text.find_first_not_of(kSpace, end);
  }
  return words;
}

std::string Without(std::string_view text, std::string_view word) {
  const auto at = static_cast<std::size_t>(word.data() - text.data());
  std::string rest(text.substr(0, at));
  return rest.append(text.substr(at + word.size()));
}

double LogOdds(double probability) {
  const double p = std::clamp(probability, 1e-9, 1 - 1e-9);
  return learn::Log(p / (1 - p));
}

}  // namespace ctt::service
