#include "service/word_weights.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ctt::service {
namespace {

TEST(WordWeightsTest, WordsStandBetweenWhiteSpace) {
  const std::vector<std::string_view> words = WordsOf("  a b\t\u00e9t\u00e9\n a ");
  EXPECT_EQ(words, (std::vector<std::string_view>{"a", "b", "\u00e9t\u00e9", "a"}));
  EXPECT_TRUE(WordsOf(" \n").empty());
  std::string many;
  for (int i = 0; i < 200; ++i) many += "w ";
  EXPECT_EQ(WordsOf(many).size(), kExplainedWordsMax);
}

TEST(WordWeightsTest, OnlyTheWordItselfIsTakenOut) {
  const std::string text = "one two one";
  const std::vector<std::string_view> words = WordsOf(text);
  EXPECT_EQ(Without(text, words[0]), " two one");
  EXPECT_EQ(Without(text, words[1]), "one  one");
  EXPECT_EQ(Without(text, words[2]), "one two ");
}

TEST(WordWeightsTest, LogOddsStayFinite) {
  EXPECT_EQ(LogOdds(0.5), 0);
  EXPECT_NEAR(LogOdds(0.8), std::log(4.0), 1e-14);
  EXPECT_EQ(LogOdds(0), LogOdds(1e-12));
  EXPECT_TRUE(std::isfinite(LogOdds(1)));
}

}  // namespace
}  // namespace ctt::service
