#pragma once
// The lexicon of some rows: of the n-grams that stand in two rows or more, those of highest
// chi-square against the labels, counted by rows:
//   chi_j = n sum_c O_cj^2 / (N_c f_j) - f_j,   O_cj: rows of label c with j, f_j = sum_c O_cj
// and idf_j = log((1 + n) / (1 + f_j)) + 1. Ties in chi go to the lesser hash, so the lexicon is a
// pure function of the set of rows. Sources: METHOD, section 10; Yang & Pedersen 1997.
//
// Threads: pure functions and values.
#include <cstdint>
#include <span>
#include <vector>

#include "learn/lexicon.h"
#include "learn/row_order.h"

namespace ctt::learn {

inline constexpr std::size_t kLexiconMax = 4096;
// Of more rows only those of least hash are looked at.
inline constexpr std::size_t kLexiconRowsMax = 8192;

// Empty when no n-gram stands in two rows. Memory while at work: 8 bytes for each n-gram of a row.
// The same for any number of threads.
Lexicon ChooseLexicon(const std::vector<Row>& rows, std::int64_t class_count, int threads);

// The terms of some rows, side by side. Memory: 8 bytes a term.
class RowTerms {
 public:
  RowTerms(const Lexicon& lexicon, const std::vector<Row>& rows);
  struct Of {  // One row's terms, entries rising.
    std::span<const std::int32_t> entries;
    std::span<const float> values;
    std::int64_t size() const { return static_cast<std::int64_t>(entries.size()); }
  };
  Of of(std::size_t row) const {
    const std::size_t begin = begin_[row], count = begin_[row + 1] - begin;
    return {std::span(entries_).subspan(begin, count), std::span(values_).subspan(begin, count)};
  }
  std::size_t row_count() const { return begin_.size() - 1; }
  std::size_t lexicon_size() const { return lexicon_size_; }
  // Of V^T V / n: how steep a fit to these rows can be.
  double LargestEigenvalue() const;

 private:
  std::size_t lexicon_size_;
  std::vector<std::int32_t> entries_;
  std::vector<float> values_;
  std::vector<std::size_t> begin_;  // [rows + 1]
};

}  // namespace ctt::learn
