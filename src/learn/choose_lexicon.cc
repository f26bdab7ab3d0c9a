#include "learn/choose_lexicon.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/parallel.h"
#include "learn/logarithm.h"

namespace ctt::learn {
namespace {

constexpr int kPowerSteps = 16;

struct Found {
  double chi;
  std::uint32_t hash;
  std::int64_t documents;
};

// Part of the n-grams by their highest bits: each part is one thread's.
constexpr std::uint64_t kPartBits = 3, kParts = 1 << kPartBits;

// [all rows' different n-grams of a part] hash << 32 | class, rising.
std::vector<std::uint64_t> Occurrences(const std::vector<Row>& rows, std::uint32_t part) {
  constexpr std::uint32_t kShift = 32 - kPartBits;
  std::vector<std::uint64_t> pairs;
  for (const Row& row : rows) {
    const auto& ngrams = row.ngrams;
    const auto first = std::lower_bound(ngrams.begin(), ngrams.end(), part << kShift);
    for (auto at = first; at != ngrams.end() && *at >> kShift == part; ++at)
      if (at == first || *at != *(at - 1))
        pairs.push_back(std::uint64_t{*at} << 32 | static_cast<std::uint32_t>(row.label));
  }
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

std::vector<Found> JudgePart(const std::vector<Row>& rows, std::uint32_t part,
                             const std::vector<double>& class_rows) {
  const std::vector<std::uint64_t> pairs = Occurrences(rows, part);
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

std::vector<Found> JudgeAll(const std::vector<Row>& rows, std::int64_t class_count, int threads) {
  std::vector<double> class_rows(class_count);
  for (const Row& row : rows) ++class_rows[row.label];
  std::array<std::vector<Found>, kParts> parts;
  ParallelFor(threads, kParts, [&](std::size_t part) {
    parts[part] = JudgePart(rows, static_cast<std::uint32_t>(part), class_rows);
  });
  std::vector<Found> found;
  for (const std::vector<Found>& part : parts) found.insert(found.end(), part.begin(), part.end());
  return found;
}

}  // namespace

Lexicon ChooseLexicon(const std::vector<Row>& rows, std::int64_t class_count, int threads) {
  const std::vector<Row> sample = LeastHashed(rows, kLexiconRowsMax);
  std::vector<Found> found = JudgeAll(sample, class_count, threads);
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

// By power iteration: terms are positive, so a start of ones cannot miss its vector.
double RowTerms::LargestEigenvalue() const {
  std::vector<double> vector(lexicon_size_, 1), next(vector.size());
  double eigenvalue = 0;
  for (int step = 0; step < kPowerSteps; ++step) {
    double norm = 0;
    for (const double v : vector) norm += v * v;
    if (norm == 0) return 0;
    norm = std::sqrt(norm);
    for (double& v : vector) v /= norm;
    std::fill(next.begin(), next.end(), 0);
    for (std::size_t i = 0; i < row_count(); ++i) {
      const Of row = of(i);
      double dot = 0;
      for (std::size_t t = 0; t < row.values.size(); ++t)
        dot += row.values[t] * vector[row.entries[t]];
      for (std::size_t t = 0; t < row.values.size(); ++t)
        next[row.entries[t]] += dot * row.values[t];
    }
    eigenvalue = 0;
    for (std::size_t k = 0; k < vector.size(); ++k) eigenvalue += vector[k] * next[k];
    vector.swap(next);
  }
  return eigenvalue / static_cast<double>(row_count());
}

}  // namespace ctt::learn
