#include "learn/lexicon.h"

#include <cmath>

#include <gtest/gtest.h>

#include "learn/choose_lexicon.h"

namespace ctt::learn {
namespace {

using NGrams = std::vector<std::uint32_t>;

std::vector<Row> RowsOf(const std::vector<std::pair<int, NGrams>>& texts) {
  std::vector<Row> rows;
  for (const auto& [label, ngrams] : texts)
    rows.push_back({nullptr, label, rows.size() * 7919 % 101, ngrams});
  return rows;
}

TEST(LexiconTest, TermsAreSublinearCountsOfUnitLengthInEachKind) {
  const Lexicon lexicon({2, 4, 5}, {1, 2, 3});
  std::vector<Term> terms;
  lexicon.AppendTerms(NGrams{1, 2, 2, 4, 5, 5, 5, 6}, terms);
  ASSERT_EQ(terms.size(), 3u);
  const double twice = 1 + std::log(2), norm = std::sqrt(twice * twice + 4);
  EXPECT_EQ(terms[0].entry, 0);
  EXPECT_NEAR(terms[0].value, twice / norm, 1e-6);
  EXPECT_EQ(terms[1].entry, 1);
  EXPECT_NEAR(terms[1].value, 2 / norm, 1e-6);
  EXPECT_EQ(terms[2].entry, 2);
  EXPECT_FLOAT_EQ(terms[2].value, 1);  // The only one of its kind.
  lexicon.AppendTerms(NGrams{1, 6}, terms);
  EXPECT_EQ(terms.size(), 3u);
  Lexicon().AppendTerms(NGrams{1, 6}, terms);
  EXPECT_EQ(terms.size(), 3u);
}

TEST(LexiconTest, KnowsWhatStandsInTwoRows) {
  const std::vector<std::pair<int, NGrams>> texts = {
      {0, {10, 30, 40, 40}}, {0, {10, 30}}, {1, {20, 30}}, {1, {20, 30, 50}}};
  const Lexicon lexicon = ChooseLexicon(RowsOf(texts), 2, 1);
  EXPECT_EQ(lexicon.hashes(), (NGrams{10, 20, 30}));  // 40 stands in one row twice.
  EXPECT_FLOAT_EQ(lexicon.idf()[0], static_cast<float>(std::log(5.0 / 3) + 1));
  EXPECT_FLOAT_EQ(lexicon.idf()[2], 1);
  EXPECT_EQ(ChooseLexicon(RowsOf({{0, {1, 3}}, {1, {2, 4}}}), 2, 1).size(), 0u);
}

// 3,000 n-grams of one label, 3,000 of both, 3,000 of the other: the telling ones come first, then
// the least hashes.
TEST(LexiconTest, KeepsTheMostTellingAndTheLesserHash) {
  constexpr std::uint32_t kEach = 3000;
  std::vector<std::pair<int, NGrams>> texts = {{0, {}}, {0, {}}, {1, {}}, {1, {}}};
  for (std::uint32_t k = 0; k < 3 * kEach; ++k) {
    const bool both = k % 3 == 1;
    texts[k % 3 == 2 ? 2 : 0].second.push_back(k);
    texts[k % 3 == 0 ? 1 : both ? 2 : 3].second.push_back(k);
  }
  const Lexicon lexicon = ChooseLexicon(RowsOf(texts), 2, 1);
  ASSERT_EQ(lexicon.size(), kLexiconMax);
  std::uint32_t expected = 0;
  for (const std::uint32_t hash : lexicon.hashes()) {
    EXPECT_EQ(hash, expected);
    expected += expected % 3 == 0 ? 2 : 1;
  }
}

}  // namespace
}  // namespace ctt::learn
