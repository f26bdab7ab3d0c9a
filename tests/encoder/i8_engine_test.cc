// Engine i8: near f32, the same bits on every ISA and in every company, and its packed weights.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "encoder/encoder.h"
#include "encoder/i8_model.h"

namespace ctt::encoder {
namespace {

namespace fs = std::filesystem;

fs::path ModelFolder() { return fs::path(CTT_SOURCE_DIR) / "models/all-MiniLM-L6-v2"; }

// Sentences made of parts, so that 2,000 differ in words and in length, and some odd ones.
std::vector<std::string> MadeTexts(std::size_t count) {
  const char* const parts[] = {"please book a table",
                               "the battery died",
                               "für zwei Personen",
                               "and nothing worked",
                               "why is my card late",
                               "在东京",
                               "with great pleasure",
                               "turn off the lights",
                               "3.14 + 2 = 5.14",
                               "it was not that bad",
                               "since last tuesday",
                               "😀 !!!",
                               "refund",
                               "how do I reset it",
                               "Καλημέρα"};
  std::vector<std::string> texts = {"", "a", "?", std::string(300, 'x'), "the the the the the"};
  unsigned state = 7;
  const auto next = [&](unsigned below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 16) % below;
  };
  while (texts.size() < count) {
    std::string text;
    const unsigned length = next(20) == 0 ? 40 : 1 + next(4);
    for (unsigned i = 0; i < length; ++i) text += std::string(i > 0 ? " " : "") + parts[next(15)];
    texts.push_back(text);
  }
  texts.resize(count);
  return texts;
}

class ForcedIsa {
 public:
  explicit ForcedIsa(kernels::Isa isa) {
    setenv("CTT_FORCE_ISA", std::string(kernels::IsaName(isa)).c_str(), 1);
  }
  ~ForcedIsa() { unsetenv("CTT_FORCE_ISA"); }
};

std::unique_ptr<const Encoder> LoadOn(kernels::Isa isa, Engine engine,
                                      const fs::path& cache_folder = {}) {
  const ForcedIsa forced(isa);
  EncoderOptions options;
  options.engine = engine;
  options.use_cache = !cache_folder.empty();
  auto loaded = Encoder::Load(options.use_cache ? cache_folder : ModelFolder(), options);
  if (!loaded.ok()) ADD_FAILURE() << loaded.status().ToString();
  return loaded.ok() ? *std::move(loaded) : nullptr;
}

Features Encode(const Encoder& encoder, const std::vector<std::string>& texts,
                std::size_t texts_a_batch) {
  Features all;
  Encoder::Workspace workspace;
  for (std::size_t i = 0; i < texts.size(); i += texts_a_batch) {
    RaggedBatch batch;
    for (std::size_t t = i; t < std::min(texts.size(), i + texts_a_batch); ++t)
      batch.Add(encoder.tokenizer().Encode(texts[t], encoder.tokens_max()).ids);
    Features part;
    encoder.Encode(batch, workspace, part);
    all.embeddings.insert(all.embeddings.end(), part.embeddings.begin(), part.embeddings.end());
    all.phi.insert(all.phi.end(), part.phi.begin(), part.phi.end());
  }
  return all;
}

bool SameBytes(const Features& a, const Features& b) {
  return a.embeddings.size() == b.embeddings.size() && a.phi == b.phi &&
         std::memcmp(a.embeddings.data(), b.embeddings.data(),
                     a.embeddings.size() * sizeof(float)) == 0;
}

#define NEEDS_MODEL()                                   \
  if (!fs::exists(ModelFolder() / "model.safetensors")) \
  GTEST_SKIP() << "no model: run "                      \
                  "tools/setup"

TEST(I8EngineTest, EmbeddingsAreNearTheFp32Ones) {
  NEEDS_MODEL();
  const kernels::Isa isa = kernels::PresentIsas().back();
  const auto i8 = LoadOn(isa, Engine::kI8), f32 = LoadOn(isa, Engine::kF32);
  ASSERT_TRUE(i8 != nullptr && f32 != nullptr);
  EXPECT_EQ(Engine::kI8, i8->engine());
  EXPECT_NE(f32->encoder_id(), i8->encoder_id());
  const auto texts = MadeTexts(400);
  const Features got = Encode(*i8, texts, 64), wanted = Encode(*f32, texts, 64);
  double sum = 0, least = 1;
  for (std::size_t t = 0; t < texts.size(); ++t) {
    double cosine = 0;
    for (std::size_t j = t * 384; j < (t + 1) * 384; ++j)
      cosine += static_cast<double>(got.embeddings[j]) * wanted.embeddings[j];
    sum += cosine;
    least = std::min(least, cosine);
  }
  EXPECT_GE(sum / static_cast<double>(texts.size()), 0.995);
  EXPECT_GE(least, 0.975);
}

TEST(I8EngineTest, CompanyDoesNotShow) {
  NEEDS_MODEL();
  const auto encoder = LoadOn(kernels::PresentIsas().back(), Engine::kI8);
  ASSERT_NE(nullptr, encoder);
  const auto texts = MadeTexts(300);
  const Features alone = Encode(*encoder, texts, 1);
  for (const std::size_t texts_a_batch : {2u, 7u, 300u})
    EXPECT_TRUE(SameBytes(alone, Encode(*encoder, texts, texts_a_batch))) << texts_a_batch;
}

// A folder whose model files are links, with its own cache.
class I8CacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NEEDS_MODEL();
    folder_ = fs::temp_directory_path() / ("ctt_i8_cache_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    for (const auto& entry : fs::directory_iterator(ModelFolder()))
      if (entry.path().filename() != "packed-i8.bin")
        fs::create_symlink(entry.path(), folder_ / entry.path().filename());
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path Cache() const { return folder_ / "packed-i8.bin"; }
  // The features of a few texts; empty on an error.
  Features Answer() const {
    EncoderOptions options;
    options.engine = Engine::kI8;
    auto loaded = Encoder::Load(folder_, options);
    if (!loaded.ok()) return {};
    return Encode(**loaded, MadeTexts(20), 20);
  }
  fs::path folder_;
};

TEST_F(I8CacheTest, FeaturesAreTheSameBitsOnEveryIsa) {
  const auto isas = kernels::PresentIsas();
  const auto texts = MadeTexts(2000);
  const auto fastest = LoadOn(isas.back(), Engine::kI8, folder_);
  ASSERT_NE(nullptr, fastest);
  const Features wanted = Encode(*fastest, texts, 100);
  for (const kernels::Isa isa : isas) {
    // The plain reference is a hundred times slower: it reads the cache and gets a part of the
    // texts.
    const bool slow = isa == kernels::Isa::kReference;
    const auto encoder = slow ? LoadOn(isa, Engine::kI8, folder_) : LoadOn(isa, Engine::kI8);
    ASSERT_NE(nullptr, encoder);
    EXPECT_EQ(isa, encoder->isa());
    EXPECT_FALSE(encoder->isa_fell_back());
    EXPECT_EQ(fastest->encoder_id(), encoder->encoder_id());
    const std::size_t count = slow ? 24 : texts.size();
    const Features got = Encode(*encoder, {texts.begin(), texts.begin() + count}, 77);
    const Features part = {{wanted.embeddings.begin(), wanted.embeddings.begin() + count * 384},
                           {wanted.phi.begin(), wanted.phi.begin() + count * 768}};
    EXPECT_TRUE(SameBytes(part, got)) << kernels::IsaName(isa);
  }
}

TEST_F(I8CacheTest, IsWrittenOnceAndMendedWhenDamaged) {
  const auto plain = LoadOn(kernels::PresentIsas().back(), Engine::kI8);
  ASSERT_NE(nullptr, plain);
  const Features wanted = Encode(*plain, MadeTexts(20), 20);
  EXPECT_TRUE(SameBytes(wanted, Answer()));
  ASSERT_TRUE(fs::exists(Cache()));
  const auto written = fs::last_write_time(Cache());
  EXPECT_TRUE(SameBytes(wanted, Answer()));
  EXPECT_EQ(written, fs::last_write_time(Cache()));

  const auto size = fs::file_size(Cache());
  for (const char* damage : {"a flipped bit", "cut short", "of another source"}) {
    if (std::string(damage) == "cut short") {
      fs::resize_file(Cache(), size - 1);
    } else {
      std::fstream file(Cache(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(std::string(damage) == "a flipped bit" ? 2000000 : 40);
      file.put('\x55');
    }
    EXPECT_TRUE(SameBytes(wanted, Answer())) << damage;
    EXPECT_EQ(size, fs::file_size(Cache())) << damage;
  }
}

TEST_F(I8CacheTest, IsNotNeeded) {
  fs::create_directory(Cache());  // A file cannot be put in its place.
  EXPECT_FALSE(Answer().phi.empty());
}

ModelConfig SmallConfig() {
  return {.hidden_size = 32,
          .intermediate_size = 64,
          .layers = 3,
          .heads = 2,
          .vocabulary_size = 20,
          .positions = 8,
          .token_types = 2,
          .layer_norm_epsilon = 1e-12F};
}

LineVector<char> SmallModel() {
  const ModelConfig config = SmallConfig();
  const auto linear = [](std::int32_t n, std::int32_t k) {
    LinearWeights weights{std::vector<float>(std::size_t(n) * k), std::vector<float>(n, 0.5F)};
    for (std::size_t i = 0; i < weights.matrix.size(); ++i)
      weights.matrix[i] = static_cast<float>(i * 37 % 101) * 0.01F - 0.5F;
    return weights;
  };
  const LayerNormWeights norm{std::vector<float>(32, 1.0F), std::vector<float>(32, 0.25F)};
  Weights weights{std::vector<float>(20 * 32, 2.0F), std::vector<float>(8 * 32, 3.0F), norm, {}};
  for (int i = 0; i < 3; ++i)
    weights.layers.push_back(
        {linear(96, 32), linear(32, 32), norm, linear(64, 32), linear(32, 64), norm});
  const std::vector<float> magnitudes(3 * 32, 4.0F);
  return PackI8Model(config, weights, {magnitudes, magnitudes}, {90, 7, Digest{1, 2, 3}});
}

TEST(I8ModelTest, ViewSeesWhatWasPacked) {
  const LineVector<char> bytes = SmallModel();
  const auto view = ViewI8Model({bytes.data(), bytes.size()}, SmallConfig());
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  EXPECT_EQ(90U, view->source.size);
  EXPECT_EQ(7, view->source.changed);
  EXPECT_EQ((Digest{1, 2, 3}), view->source.digest);
  EXPECT_EQ(2.0F, view->words[20 * 32 - 1]);
  EXPECT_EQ(3.0F, view->positions[8 * 32 - 1]);
  EXPECT_EQ(0.25F, view->layers[2].output_norm.beta[31]);
  EXPECT_EQ(0.5F, view->layers[2].up_factor[31]);  // 1 / sqrt 4.
  EXPECT_TRUE(kernels::PackedI8IsSafe({view->layers[2].down.panels, 32 * 64}, 32, 64));
  // The factor went into the weights: 2 w ~ scale * q.
  EXPECT_NEAR(2 * -0.5F, view->layers[0].qkv.scale[0] * view->layers[0].qkv.panels[0], 0.05);
}

TEST(I8ModelTest, EveryDamagedByteBeforeTheWordsIsSeen) {
  const LineVector<char> good = SmallModel();
  const std::size_t words = good.size() - 20 * 32 * sizeof(float);
  for (std::size_t i = 0; i < words; i += i < 200 ? 1 : 97) {
    if (i >= 36 && i < 84) continue;  // The source: compared with the file at hand instead.
    LineVector<char> bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    EXPECT_EQ(Code::kDataLoss, ViewI8Model({bad.data(), bad.size()}, SmallConfig()).status().code())
        << i;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{127}, words, good.size() - 1})
    EXPECT_EQ(Code::kDataLoss, ViewI8Model({good.data(), size}, SmallConfig()).status().code());
  ModelConfig other = SmallConfig();
  other.heads = 4;
  EXPECT_EQ(Code::kDataLoss, ViewI8Model({good.data(), good.size()}, other).status().code());
}

}  // namespace
}  // namespace ctt::encoder
