#include "learn/lexicon.h"

#include <bit>
#include <cmath>
#include <utility>

#include "base/status.h"
#include "learn/logarithm.h"

namespace ctt::learn {
namespace {

std::size_t KindOf(std::uint32_t hash) { return hash & 1; }

}  // namespace

Lexicon::Lexicon(std::vector<std::uint32_t> hashes, std::vector<float> idf)
    : hashes_(std::move(hashes)), idf_(std::move(idf)) {
  CTT_CHECK(hashes_.size() == idf_.size());
  if (hashes_.empty()) return;
  slots_.assign(std::bit_ceil(2 * hashes_.size() + 1), -1);
  for (std::size_t k = 0; k < hashes_.size(); ++k) {
    std::size_t slot = hashes_[k] / 2 % slots_.size();
    while (slots_[slot] >= 0) slot = (slot + 1) % slots_.size();
    slots_[slot] = static_cast<std::int32_t>(k);
  }
}

std::int32_t Lexicon::Find(std::uint32_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = (hash / 2) & mask;; slot = (slot + 1) & mask)
    if (slots_[slot] < 0 || hashes_[slots_[slot]] == hash) return slots_[slot];
}

void Lexicon::AppendTerms(std::span<const std::uint32_t> ngrams, std::vector<Term>& terms) const {
  if (hashes_.empty()) return;
  const std::size_t begin = terms.size();
  double squares[2] = {0, 0};
  for (std::size_t i = 0; i < ngrams.size();) {
    std::size_t end = i + 1;
    while (end < ngrams.size() && ngrams[end] == ngrams[i]) ++end;
    if (const std::int32_t entry = Find(ngrams[i]); entry >= 0) {
      const auto count = static_cast<double>(end - i);
      const auto value = static_cast<float>((count == 1 ? 1 : 1 + Log(count)) * idf_[entry]);
      squares[KindOf(ngrams[i])] += double{value} * value;
      terms.push_back({entry, value});
    }
    i = end;
  }
  for (double& square : squares) square = square > 0 ? 1 / std::sqrt(square) : 0;
  for (std::size_t t = begin; t < terms.size(); ++t)
    terms[t].value *= static_cast<float>(squares[KindOf(hashes_[terms[t].entry])]);
}

std::size_t Lexicon::memory_bytes() const {
  return hashes_.capacity() * sizeof(std::uint32_t) + idf_.capacity() * sizeof(float) +
         slots_.capacity() * sizeof(std::int32_t);
}

}  // namespace ctt::learn
