#include "text/tokenizer.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace ctt::text {
namespace {

const char kModel[] = CTT_SOURCE_DIR "/models/all-MiniLM-L6-v2";

Result<Tokenizer> LoadModel() {
  auto tokenizer = Tokenizer::Load(kModel);
  if (!tokenizer.ok()) ADD_FAILURE() << tokenizer.status().ToString() << " (run tools/setup)";
  return tokenizer;
}

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

TEST(TokenizerTest, IdsAreTheReferences) {
  const auto tokenizer = LoadModel();
  ASSERT_TRUE(tokenizer.ok());
  std::ifstream golden(CTT_SOURCE_DIR "/tests/golden/tokens.txt");
  int lines = 0;
  for (std::string line; std::getline(golden, line); ++lines) {
    std::istringstream words(line);
    std::string hex;
    words >> hex;
    std::vector<TokenId> wanted;
    for (TokenId id; words >> id;) wanted.push_back(id);
    ASSERT_EQ(tokenizer->Encode(FromHex(hex), 64).ids, wanted) << "line " << lines + 1;
  }
  EXPECT_GT(lines, 1400);
}

TEST(TokenizerTest, SaysWhenATextIsCut) {
  const auto tokenizer = LoadModel();
  ASSERT_TRUE(tokenizer.ok());
  const TokenIds whole = tokenizer->Encode("one two three", 5);
  EXPECT_FALSE(whole.truncated);
  EXPECT_EQ(whole.ids.size(), 5u);
  const TokenIds cut = tokenizer->Encode("one two three", 4);
  EXPECT_TRUE(cut.truncated);
  EXPECT_EQ(cut.ids,
            (std::vector<TokenId>{whole.ids[0], whole.ids[1], whole.ids[2], whole.ids[4]}));
}

TEST(TokenizerTest, AMegabyteWithoutASpaceIsOneUnknownWord) {
  const auto tokenizer = LoadModel();
  ASSERT_TRUE(tokenizer.ok());
  EXPECT_EQ(tokenizer->Encode(std::string(1 << 20, 'a'), 256).ids,
            (std::vector<TokenId>{101, 100, 102}));
}

class DamagedTokenizerTest : public testing::TestWithParam<const char*> {};

TEST_P(DamagedTokenizerTest, IsRefusedByName) {
  char pattern[] = "/tmp/ctt_tokenizer_XXXXXX";
  const std::filesystem::path folder = ::mkdtemp(pattern);
  std::ofstream(folder / "tokenizer.json") << GetParam();
  const Status status = Tokenizer::Load(folder).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.ToString();
  EXPECT_FALSE(status.message().empty());
  std::filesystem::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(All, DamagedTokenizerTest,
                         testing::Values("", "{", "[]", "{}", R"({"model":{"type":"BPE"}})",
                                         R"({"model":{"type":"WordPiece","vocab":{}}})",
                                         R"({"model":{"type":"WordPiece","vocab":{"a":-1}}})"));

TEST(TokenizerTest, AMissingFileIsNotFound) {
  EXPECT_EQ(Tokenizer::Load("/nonexistent").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace ctt::text
