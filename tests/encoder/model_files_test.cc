#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

#include <gtest/gtest.h>

#include "base/file.h"
#include "encoder/model_config.h"
#include "encoder/safetensors.h"
#include "encoder/weights_file.h"

namespace ctt::encoder {
namespace {

// A file with one F32 tensor "w" of shape [2], unless the header says otherwise.
std::string File(const std::string& header, const std::vector<float>& data = {1.0F, 2.0F}) {
  std::uint64_t size = header.size();
  std::string bytes(reinterpret_cast<const char*>(&size), 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(data.data()), data.size() * 4);
  return bytes;
}
const char kGood[] = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
const std::int64_t kShape[] = {2};

TEST(SafetensorsTest, ReadsATensor) {
  const std::string bytes = File(kGood);
  const auto file = Safetensors::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ(*file->Floats("w", kShape), (std::vector<float>{1.0F, 2.0F}));
}

struct Damage {
  const char* why;
  std::string bytes;
  const char* message;  // What the error says.
};

TEST(SafetensorsTest, NamesWhatIsDamaged) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Damage rows[] = {
      {"empty", "", "truncated"},
      {"header past the end", File(kGood).substr(0, 20), "truncated"},
      {"data cut", File(kGood, {1.0F}), "truncated"},
      {"huge header", std::string(8, '\x7f'), "truncated"},
      {"not JSON", File("{nope"), "invalid JSON"},
      {"not an object", File("[]"), "not a JSON object"},
      {"overlap",
       File(
           R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"v":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"),
       "overlaps"},
      {"gap", File(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"), "gap"},
      {"rest", File(R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"), "after the last"},
      {"shape and size differ", File(R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})"),
       "not its shape"},
      {"overflowing shape",
       File(
           R"({"w":{"dtype":"F32","shape":[4503599627370496,4503599627370496],"data_offsets":[0,8]}})"),
       "not its shape"},
      {"backward offsets", File(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})"),
       "data_offsets"},
      {"negative shape", File(R"({"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})"),
       "shape"},
      {"unknown dtype", File(R"({"w":{"dtype":"F8","shape":[2],"data_offsets":[0,8]}})"), "dtype"},
      {"absent", File(R"({"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})"), "is missing"},
      {"half precision", File(R"({"w":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}})"), "F16"},
      {"other shape", File(R"({"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})"),
       "has shape [2, 1]"},
      {"NaN", File(kGood, {1.0F, nan}), "not finite"},
  };
  for (const Damage& row : rows) {
    const auto file = Safetensors::Parse(row.bytes);
    const Status status = file.ok() ? file->Floats("w", kShape).status() : file.status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << row.why;
    EXPECT_NE(status.message().find(row.message), std::string::npos)
        << row.why << ": " << status.message();
  }
}

// A file of words alone, [20, 4], with its data `shift` bytes off a boundary of 8.
std::string WordsFile(std::size_t shift) {
  std::string header =
      R"({"embeddings.word_embeddings.weight":{"dtype":"F32","shape":[20,4],"data_offsets":[0,320]}})";
  header.resize((header.size() + 7) / 8 * 8 + shift, ' ');
  std::vector<float> words;
  for (int i = 0; i < 80; ++i) words.push_back(static_cast<float>(i) / 7);
  return File(header, words);
}

TEST(WeightsFileTest, WordsAreTheFilesWhereverTheyLie) {
  const std::filesystem::path path = testing::TempDir() + "ctt_words.safetensors";
  ModelConfig config;
  config.vocabulary_size = 20;
  config.hidden_size = 4;
  for (const std::size_t shift : {0U, 1U, 4U, 7U}) {
    ASSERT_TRUE(WriteFileDurably(path, WordsFile(shift)).ok());
    auto opened = WeightsFile::Open(path, config);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    const WeightsFile weights = *std::move(opened);
    weights.DropPages();
    for (int i = 0; i < 80; ++i) ASSERT_EQ(weights.words()[i], static_cast<float>(i) / 7) << shift;
    // Where they can be used in place, they are.
    const bool in_place =
        reinterpret_cast<const char*>(weights.words()) + 320 == weights.bytes().end();
    EXPECT_EQ(in_place, shift % 4 == 0);
  }
  config.vocabulary_size = 21;
  const Status status = WeightsFile::Open(path, config).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find(path.string()), std::string::npos) << status.message();
  std::filesystem::remove(path);
}

class ModelConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/ctt_config_XXXXXX";
    folder_ = ::mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Result<ModelConfig> Read(const std::string& text) {
    std::ofstream(folder_ / "config.json") << text;
    return ReadModelConfig(folder_);
  }
  std::filesystem::path folder_;
};

std::string Config(const std::string& field = "") {
  return R"({"model_type":"bert","hidden_act":"gelu","hidden_size":384,"intermediate_size":1536,
    "num_hidden_layers":6,"num_attention_heads":12,"vocab_size":30522,
    "max_position_embeddings":512,"type_vocab_size":2,"layer_norm_eps":1e-12)" +
         (field.empty() ? "" : "," + field) + "}";
}

TEST_F(ModelConfigTest, ReadsTheSizes) {
  const auto config = Read(Config());
  ASSERT_TRUE(config.ok()) << config.status().ToString();
  EXPECT_EQ(config->hidden_size, 384);
  EXPECT_EQ(config->layers, 6);
}

TEST_F(ModelConfigTest, SaysWhatIsNotSupported) {
  const std::pair<std::string, const char*> rows[] = {
      {R"({"model_type":"roberta"})", "model_type"},
      {R"({"model_type":"bert","hidden_act":"relu"})", "hidden_act"},
      {R"({"model_type":"bert","position_embedding_type":"relative_key"})", "position_embedding"},
      {"{}", "hidden_size"},
      {"nope", "invalid JSON"},
      {"[]", "not a JSON object"},
  };
  for (const auto& [text, message] : rows) {
    const Status status = Read(text).status();
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << text;
    EXPECT_NE(status.message().find(message), std::string::npos) << status.message();
  }
  EXPECT_EQ(ReadModelConfig("/nonexistent").status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace ctt::encoder
