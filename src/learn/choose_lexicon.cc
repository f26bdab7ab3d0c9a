#include "learn/choose_lexicon.h"

#include <algorithm>

#include "learn/logarithm.h"

namespace ctt::learn {
namespace {

struct Found {
  double chi;
  std::uint32_t hash;
  std::int64_t documents;
};

// [all rows' different n-grams] hash << 32 | class, rising.
std::vector<std::uint64_t> Occurrences(const std::vector<Row>& rows) {
  std::vector<std::uint64_t> pairs;
  for (const Row& row : rows)
    for (std::size_t i = 0; i < row.ngrams.size(); ++i)
      if (i == 0 || row.ngrams[i] != row.ngrams[i - 1])
        pairs.push_back(std::uint64_t{row.ngrams[i]} << 32 | static_cast<std::uint32_t>(row.label));
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

// The n-gram whose occurrences are pairs[begin, end).
Found Judge(const std::vector<std::uint64_t>& pairs, std::size_t begin, std::size_t end,
            const std::vector<double>& class_rows, double rows) {
  const auto documents = static_cast<double>(end - begin);
  double sum = 0;
  for (std::size_t i = begin; i < end;) {
    std::size_t last = i;
    while (last < end && pairs[last] == pairs[i]) ++last;
    const auto observed = static_cast<double>(last - i);
    sum += observed * observed / class_rows[pairs[i] & 0xffffffff];
    i = last;
  }
  return {rows * sum / documents - documents, static_cast<std::uint32_t>(pairs[begin] >> 32),
          static_cast<std::int64_t>(end - begin)};
}

std::vector<Found> JudgeAll(const std::vector<Row>& rows, std::int64_t class_count) {
  std::vector<double> class_rows(class_count);
  for (const Row& row : rows) ++class_rows[row.label];
  const std::vector<std::uint64_t> pairs = Occurrences(rows);
  std::vector<Found> found;
  for (std::size_t begin = 0; begin < pairs.size();) {
    std::size_t end = begin;
    while (end < pairs.size() && pairs[end] >> 32 == pairs[begin] >> 32) ++end;
    if (end - begin > 1)
      found.push_back(Judge(pairs, begin, end, class_rows, static_cast<double>(rows.size())));
    begin = end;
  }
  return found;
}

}  // namespace

Lexicon ChooseLexicon(const std::vector<Row>& rows, std::int64_t class_count) {
  const std::vector<Row> sample = LeastHashed(rows, kLexiconRowsMax);
  std::vector<Found> found = JudgeAll(sample, class_count);
  if (found.size() > kLexiconMax) {
    const auto middle = found.begin() + static_cast<std::ptrdiff_t>(kLexiconMax);
    std::nth_element(found.begin(), middle, found.end(), [](const Found& a, const Found& b) {
      return a.chi != b.chi ? a.chi > b.chi : a.hash < b.hash;
    });
    found.erase(middle, found.end());
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.hash < b.hash; });
  std::vector<std::uint32_t> hashes;
  std::vector<float> idf;
  const auto n = static_cast<double>(sample.size());
  for (const Found& entry : found) {
    hashes.push_back(entry.hash);
    idf.push_back(static_cast<float>(Log((1 + n) / static_cast<double>(1 + entry.documents)) + 1));
  }
  return Lexicon(std::move(hashes), std::move(idf));
}

RowTerms::RowTerms(const Lexicon& lexicon, const std::vector<Row>& rows)
    : lexicon_size_(lexicon.size()), begin_(1) {
  std::vector<Term> terms;
  for (const Row& row : rows) {
    terms.clear();
    lexicon.AppendTerms(row.ngrams, terms);
    for (const Term& term : terms) {
      entries_.push_back(term.entry);
      values_.push_back(term.value);
    }
    begin_.push_back(entries_.size());
  }
}

}  // namespace ctt::learn
