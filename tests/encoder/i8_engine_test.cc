// Engine i8: near f32, the same bits in every company, and its packed weights.
#include <cstdint>

#include "base/file.h"
#include "encoder/i8_model.h"
#include "tests/encoder/model_on_texts.h"

namespace ctt::encoder {
namespace {

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

class I8CacheTest : public OwnCacheTest {
 protected:
  fs::path Cache() const { return folder_ / "packed-i8.bin"; }
  // The features of a few texts; empty on an error.
  Features Answer() const {
    EncoderOptions options;
    options.engine = Engine::kI8;
    auto loaded = Encoder::Load(folder_, options);
    if (!loaded.ok()) return {};
    return Encode(**loaded, MadeTexts(20), 20);
  }
};

TEST_F(I8CacheTest, IsWrittenOnceAndMendedWhenDamaged) {
  const auto plain = LoadOn(kernels::PresentIsas().back(), Engine::kI8);
  ASSERT_NE(nullptr, plain);
  const Features wanted = Encode(*plain, MadeTexts(20), 20);
  EXPECT_TRUE(SameBytes(wanted, Answer()));
  ASSERT_TRUE(fs::exists(Cache()));
  const auto written = fs::last_write_time(Cache());
  EXPECT_TRUE(SameBytes(wanted, Answer()));
  EXPECT_EQ(written, fs::last_write_time(Cache()));

  const std::string good = *ReadFile(Cache());
  struct Damage {
    const char* what;
    int at;
  };
  for (const Damage& damage : {Damage{"a flipped bit", 2000000}, Damage{"another version", 8},
                               Damage{"another source", 40}, Damage{"the source changed", 46}}) {
    std::string bad = good;
    bad[damage.at] = '\x55';
    ASSERT_TRUE(WriteFileDurably(Cache(), bad).ok());
    EXPECT_TRUE(SameBytes(wanted, Answer())) << damage.what;
    EXPECT_TRUE(good == *ReadFile(Cache())) << damage.what;
  }
  fs::resize_file(Cache(), good.size() - 1);
  EXPECT_TRUE(SameBytes(wanted, Answer()));
  EXPECT_TRUE(good == *ReadFile(Cache()));
}

TEST_F(I8CacheTest, DoesNotRepeatTheWords) {
  Answer();
  const auto words = std::uintmax_t{30522} * 384 * sizeof(float);
  EXPECT_LT(fs::file_size(Cache()), fs::file_size(folder_ / "model.safetensors") - words);
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
  Weights weights{std::vector<float>(8 * 32, 3.0F), norm, {}};
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
  EXPECT_EQ(3.0F, view->positions[8 * 32 - 1]);
  EXPECT_EQ(0.25F, view->layers[2].output_norm.beta[31]);
  EXPECT_EQ(0.5F, view->layers[2].up_factor[31]);  // 1 / sqrt 4.
  EXPECT_TRUE(kernels::PackedI8IsSafe({view->layers[2].down.panels, 32 * 64}, 32, 64));
  // The factor went into the weights: 2 w ~ scale * q.
  EXPECT_NEAR(2 * -0.5F, view->layers[0].qkv.scale[0] * view->layers[0].qkv.panels[0], 0.05);
}

TEST(I8ModelTest, EveryDamagedByteIsSeen) {
  const LineVector<char> good = SmallModel();
  for (std::size_t i = 0; i < good.size(); i += i < 200 ? 1 : 97) {
    if (i >= 36 && i < 84) continue;  // The source: compared with the file at hand instead.
    LineVector<char> bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    EXPECT_EQ(Code::kDataLoss, ViewI8Model({bad.data(), bad.size()}, SmallConfig()).status().code())
        << i;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{127}, good.size() - 1})
    EXPECT_EQ(Code::kDataLoss, ViewI8Model({good.data(), size}, SmallConfig()).status().code());
  ModelConfig other = SmallConfig();
  other.heads = 4;
  EXPECT_EQ(Code::kDataLoss, ViewI8Model({good.data(), good.size()}, other).status().code());
}

}  // namespace
}  // namespace ctt::encoder
