#include "encoder/encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

namespace ctt::encoder {
namespace {

const char kModel[] = CTT_SOURCE_DIR "/models/all-MiniLM-L6-v2";

std::unique_ptr<const Encoder> LoadModel(Engine engine = Engine::kF32) {
  EncoderOptions options;
  options.engine = engine;
  auto encoder = Encoder::Load(kModel, options);
  if (!encoder.ok()) ADD_FAILURE() << encoder.status().ToString() << " (run tools/setup)";
  return encoder.ok() ? std::move(*encoder) : nullptr;
}

struct Golden {
  struct State {
    std::int32_t layer, token;
    std::vector<float> values;  // Components 0, 24, 48, ...
  };
  std::vector<text::TokenId> ids;
  std::vector<State> states;
  std::vector<float> embedding;
};

std::vector<Golden> ReadGolden() {
  std::ifstream in(CTT_SOURCE_DIR "/tests/golden/encoder.txt");
  std::vector<Golden> goldens;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "text") {
      goldens.emplace_back();
      for (text::TokenId id; words >> id;) goldens.back().ids.push_back(id);
    } else if (kind == "layer") {
      Golden::State state{};
      words >> state.layer >> state.token;
      for (float value; words >> value;) state.values.push_back(value);
      goldens.back().states.push_back(std::move(state));
    } else {
      for (float value; words >> value;) goldens.back().embedding.push_back(value);
    }
  }
  return goldens;
}

// Both sides sum some 1,000 fp32 products in their own order; states reach 10 and more.
constexpr float kStateBound = 2e-4F;
constexpr float kEmbeddingBound = 1e-5F;

TEST(EncoderTest, EveryLayerIsTheReferences) {
  const auto encoder = LoadModel();
  ASSERT_NE(encoder, nullptr);
  const std::vector<Golden> goldens = ReadGolden();
  ASSERT_EQ(goldens.size(), 5u);
  for (const Golden& golden : goldens) {
    RaggedBatch batch;
    batch.Add(golden.ids);
    for (std::int32_t layer = 0; layer <= encoder->layer_count(); ++layer) {
      const std::vector<float> states = encoder->TokenStates(batch, layer);
      for (const Golden::State& state : golden.states) {
        if (state.layer != layer) continue;
        ASSERT_EQ(state.values.size(), 16u);
        for (std::size_t i = 0; i < state.values.size(); ++i) {
          ASSERT_NEAR(states[state.token * encoder->hidden_size() + 24 * i], state.values[i],
                      kStateBound)
              << "layer " << layer << ", token " << state.token << ", component " << 24 * i;
        }
      }
    }
  }
}

TEST(EncoderTest, EmbeddingsAreThePublishedModels) {
  const auto encoder = LoadModel();
  ASSERT_NE(encoder, nullptr);
  RaggedBatch batch;
  const std::vector<Golden> goldens = ReadGolden();
  for (const Golden& golden : goldens) batch.Add(golden.ids);
  Encoder::Workspace workspace;
  Features features;
  encoder->Encode(batch, workspace, features);
  for (std::size_t t = 0; t < goldens.size(); ++t) {
    for (std::size_t i = 0; i < goldens[t].embedding.size(); ++i) {
      const float value = features.embeddings[t * goldens[t].embedding.size() + i];
      ASSERT_NEAR(value, goldens[t].embedding[i], kEmbeddingBound) << "text " << t;
      // The last block of phi is the same embedding on the grid of the quantiser.
      EXPECT_EQ(features.phi[t * 768 + i],
                std::clamp(std::nearbyint(512.0F * value), -127.0F, 127.0F));
    }
  }
}

std::vector<std::vector<text::TokenId>> RandomTexts(const Encoder& encoder, int count) {
  std::mt19937 random(7);
  std::vector<std::vector<text::TokenId>> texts;
  for (int i = 0; i < count; ++i) {
    const int tokens =
        i % 10 == 9 ? 100 + static_cast<int>(random() % 157) : 1 + static_cast<int>(random() % 30);
    std::vector<text::TokenId> ids;
    for (int k = 0; k < tokens; ++k)
      ids.push_back(static_cast<text::TokenId>(random() % encoder.tokenizer().vocabulary_size()));
    texts.push_back(std::move(ids));
  }
  return texts;
}

Features EncodeAll(const Encoder& encoder, const std::vector<std::vector<text::TokenId>>& texts) {
  RaggedBatch batch;
  for (const auto& ids : texts) batch.Add(ids);
  Encoder::Workspace workspace;
  Features features;
  encoder.Encode(batch, workspace, features);
  return features;
}

bool operator==(const Features& a, const Features& b) {
  return a.phi == b.phi && a.embeddings.size() == b.embeddings.size() &&
         std::memcmp(a.embeddings.data(), b.embeddings.data(), a.embeddings.size() * 4) == 0;
}

TEST(EncoderTest, ABatchOfOneIsABatchOfMany) {
  const auto encoder = LoadModel();
  ASSERT_NE(encoder, nullptr);
  const auto texts = RandomTexts(*encoder, 60);
  const Features together = EncodeAll(*encoder, texts);
  Features alone;
  for (const auto& text : texts) {
    const Features one = EncodeAll(*encoder, {text});
    alone.phi.insert(alone.phi.end(), one.phi.begin(), one.phi.end());
    alone.embeddings.insert(alone.embeddings.end(), one.embeddings.begin(), one.embeddings.end());
  }
  EXPECT_TRUE(together == alone);
}

TEST(EncoderTest, OptionsAndFoldersAreChecked) {
  EncoderOptions options;
  options.tokens_max = 513;
  EXPECT_EQ(Encoder::Load(kModel, options).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(Encoder::Load("/nonexistent", {}).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace ctt::encoder
