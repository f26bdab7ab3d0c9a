#include "text/ngrams.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace ctt::text {
namespace {

std::size_t Shared(const NGrams& a, const NGrams& b) {
  NGrams both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size();
}

TEST(NGramsTest, WordsPairsAndRunsOfCharacters) {
  struct Case {
    const char* text;
    std::size_t words, characters;
  };
  for (const Case& test :
       {Case{"", 0, 0},
        {" \t\n", 0, 0},
        {"a", 1, 1},      // a; " a "
        {"ab cd", 3, 6},  // ab, cd, ab cd; " ab" "ab " " ab ", ...
        {"go go", 3, 6},  // As often as they occur.
        {"a!", 3, 3},     // a, !, a !; " a!" "a! " " a! "
        {"x_1", 1, 6},    // One word.
        {"\U0001F600\U0001F600", 3, 3},
        {"\u0E2A\u0E27\u0E31\u0E2A\u0E14\u0E35", 1, 15},  // Marks are of the word.
        {"\u4F60\u597D\u5417", 1, 6}}) {
    const NGrams ngrams = HashedNGrams(test.text);
    const auto words = static_cast<std::size_t>(
        std::count_if(ngrams.begin(), ngrams.end(), [](std::uint32_t h) { return h % 2 == 0; }));
    EXPECT_EQ(words, test.words) << test.text;
    EXPECT_EQ(ngrams.size() - words, test.characters) << test.text;
    EXPECT_TRUE(std::is_sorted(ngrams.begin(), ngrams.end())) << test.text;
  }
}

TEST(NGramsTest, NamesSayWhatWasHashed) {
  std::map<std::string, std::vector<bool>> kinds;  // true: of characters.
  for (const NamedNGram& ngram : NamedNGrams("Go, GO\u00DF go"))
    kinds[ngram.name].push_back(IsOfCharacters(ngram.hash));
  EXPECT_EQ(kinds.at("goss"), (std::vector<bool>{false, true}));  // The word, and inside the run.
  EXPECT_EQ(kinds.at("goss go"), std::vector<bool>{false});
  EXPECT_EQ(kinds.at(" go,"), std::vector<bool>{true});
  for (const char* text : {"", "a", "one two one", "caf\u00E9 \U0001F600", "\u4F60\u597D\u5417"}) {
    NGrams hashes = HashedNGrams(text);
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    NGrams named;
    for (const NamedNGram& ngram : NamedNGrams(text)) named.push_back(ngram.hash);
    EXPECT_EQ(named, hashes) << text;
  }
}

TEST(NGramsTest, SpellingsOfOneTextAreOne) {
  const std::pair<const char*, const char*> same[] = {
      {"Stra\u00DFe", "STRASSE"},   // Case folding, not lower case.
      {"caf\u00E9", "cafe\u0301"},  // Composed or not.
      {"\uFB01n \uFF12", "fin 2"},  // Compatibility characters.
      {"a \xFF b", "a \uFFFD b"},   // Bytes that are not UTF-8.
  };
  for (const auto& [a, b] : same) EXPECT_EQ(HashedNGrams(a), HashedNGrams(b)) << b;
  EXPECT_NE(HashedNGrams("caf\u00E9"), HashedNGrams("cafe"));
}

TEST(NGramsTest, OrderOfWordsShowsInPairsAlone) {
  const NGrams one = HashedNGrams("dog bites man"), other = HashedNGrams("man bites dog");
  EXPECT_EQ(one.size(), other.size());
  EXPECT_EQ(Shared(one, other), one.size() - 2);
}

TEST(NGramsTest, ReadsTheFirstCharactersOnly) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "wort ";
  const std::string head = text.substr(0, kNGramCharactersMax);
  EXPECT_EQ(HashedNGrams(text), HashedNGrams(head));
  EXPECT_NE(HashedNGrams(head), HashedNGrams(text.substr(0, kNGramCharactersMax - 5)));
  // A character that folds to eighteen does not make the text longer than that.
  std::string ligatures;
  for (std::size_t i = 0; i < kNGramCharactersMax; ++i) ligatures += "\uFDFA";
  EXPECT_LE(HashedNGrams(ligatures).size(), 5 * kNGramCharactersMax);
}

// Heads hold these hashes: they never change.
TEST(NGramsTest, HashesStayWhatTheyAre) {
  EXPECT_EQ(HashedNGrams("Hi!"), (NGrams{27641007, 278053245, 507525232, 2193796631, 2874774383,
                                         3106918461, 3143445480, 3344659124, 3781519619}));
}

}  // namespace
}  // namespace ctt::text
