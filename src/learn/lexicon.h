#pragma once
// Lexicon: the n-grams that tell a task's labels apart, and what they make of a text: numbers
// beside its features.
//
// An n-gram is a hash whose lowest bit is its kind, words or characters (text/ngrams.h makes them).
// A text that holds entry j of the lexicon has the term
//   v_j = (1 + log count_j) idf_j / |v over its kind|
// Source: METHOD, section 10; Salton & Buckley 1988 (sublinear tf-idf).
//
// Threads: a value; share as const.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ctt::learn {

struct Term {
  std::int32_t entry;  // Of the lexicon.
  float value;
};

class Lexicon {
 public:
  Lexicon() = default;
  // REQUIRES: as many weights as hashes; hashes strictly rising.
  Lexicon(std::vector<std::uint32_t> hashes, std::vector<float> idf);

  std::size_t size() const { return hashes_.size(); }
  const std::vector<std::uint32_t>& hashes() const { return hashes_; }
  const std::vector<float>& idf() const { return idf_; }

  // Appends the terms of a text, entries rising. REQUIRES: its n-grams rise, each as often as it
  // occurs.
  void AppendTerms(std::span<const std::uint32_t> ngrams, std::vector<Term>& terms) const;

  std::size_t memory_bytes() const;

 private:
  std::int32_t Find(std::uint32_t hash) const;  // -1: none.

  std::vector<std::uint32_t> hashes_;  // [K]
  std::vector<float> idf_;             // [K]
  std::vector<std::int32_t> slots_;    // Open addressing; -1 is empty. A power of two, above 2 K.
};

}  // namespace ctt::learn
