#include "encoder/encoder.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "encoder/f32_engine.h"
#include "encoder/i8_cache.h"
#include "encoder/i8_engine.h"
#include "encoder/model_config.h"
#include "encoder/weights.h"
#include "encoder/weights_file.h"

namespace ctt::encoder {
namespace {

// Part of encoder_id: raise it when a change of the numerics moves a single bit of the features.
constexpr std::string_view kNumericsVersion = "1";
// Steps of the feature quantiser to a unit length (METHOD, section 2).
constexpr float kFeatureScale = 512.0F;
// Tokens that run through all layers together, so that their activations stay in the second-level
// cache: 256 tokens of [qkv | inner | ...] take some 4 MB in fp32. Longer texts run alone.
constexpr std::int32_t kTileTokens = 256;

std::int8_t Quantise(float x) {
  return static_cast<std::int8_t>(std::clamp(std::nearbyint(kFeatureScale * x), -127.0F, 127.0F));
}

std::string EncoderId(const Digest& weights, std::string_view tokenizer, Engine engine) {
  const std::string all = ToHex(weights) + ToHex(Sha256(tokenizer)) +
                          std::string(EngineName(engine)) + std::string(kNumericsVersion);
  return ToHex(Sha256(all));
}

}  // namespace

std::string_view EngineName(Engine engine) { return engine == Engine::kF32 ? "f32" : "i8"; }

Result<Engine> ParseEngine(std::string_view name) {
  if (name == "f32") return Engine::kF32;
  if (name == "i8") return Engine::kI8;
  return InvalidArgument("no engine '" + std::string(name.substr(0, 50)) + "'; there are: f32, i8");
}

void RaggedBatch::Add(std::span<const text::TokenId> text_ids) {
  ids.insert(ids.end(), text_ids.begin(), text_ids.end());
  offsets.push_back(static_cast<std::int32_t>(ids.size()));
}

void RaggedBatch::Clear() {
  ids.clear();
  offsets.assign(1, 0);
}

struct Encoder::Workspace::Buffers {
  RaggedBatch tile;
  F32Engine::Scratch f32;
  I8Engine::Scratch i8;
  std::vector<float> unit;  // [H]
};

Encoder::Workspace::Workspace() : buffers_(std::make_unique<Buffers>()) {}
Encoder::Workspace::~Workspace() = default;
Encoder::Workspace::Workspace(Workspace&&) noexcept = default;

struct Encoder::State {
  using LayerDone = std::function<void(std::int32_t layer, const float* states)>;

  ModelConfig config;
  EncoderOptions options;
  text::Tokenizer tokenizer;
  kernels::Isa isa;
  bool isa_fell_back;
  std::string encoder_id;
  std::string model_name;
  WeightsFile weights;           // The engines borrow the words.
  std::optional<F32Engine> f32;  // The one of the two that options.engine names.
  PackedI8 packed_i8;
  std::optional<I8Engine> i8;

  void Run(const RaggedBatch& batch, std::int32_t last_layer, Workspace::Buffers& buffers,
           const LayerDone& layer_done) const {
    if (i8) return i8->Run(batch, last_layer, buffers.i8, layer_done);
    f32->Run(batch, last_layer, buffers.f32, layer_done);
  }
  // Opens the weights and makes the engine; returns the weights file's digest.
  Result<Digest> MakeEngine(const std::filesystem::path& model_folder);
};

Result<Digest> Encoder::State::MakeEngine(const std::filesystem::path& model_folder) {
  CTT_ASSIGN_OR_RETURN(weights, WeightsFile::Open(model_folder / "model.safetensors", config));
  if (options.engine == Engine::kI8) {
    const std::vector<text::TokenId> frame = tokenizer.Encode("", 2).ids;
    CTT_ASSIGN_OR_RETURN(packed_i8, PackedI8::Load(weights, config, frame, isa, options.use_cache));
    i8.emplace(config, weights.words(), packed_i8.model(), isa);
    return packed_i8.model().source.digest;
  }
  Result<Weights> read = ReadWeights(weights.bytes(), config);
  if (!read.ok()) return read.status().WithContext(weights.path().string());
  f32.emplace(config, weights.words(), *std::move(read), isa);
  const Digest digest = Sha256(weights.bytes());
  weights.DropPages();
  return digest;
}

Encoder::Encoder(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Encoder::~Encoder() = default;

Result<std::unique_ptr<const Encoder>> Encoder::Load(const std::filesystem::path& model_folder,
                                                     const EncoderOptions& options) {
  CTT_ASSIGN_OR_RETURN(const ModelConfig config, ReadModelConfig(model_folder));
  CTT_ASSIGN_OR_RETURN(text::Tokenizer tokenizer, text::Tokenizer::Load(model_folder));
  if (tokenizer.vocabulary_size() > config.vocabulary_size)
    return InvalidArgument(model_folder.string() + ": the tokenizer has more ids than the model");
  if (options.tokens_max < 2 || options.tokens_max > config.positions) {
    return InvalidArgument("texts can be cut at 2 to " + std::to_string(config.positions) +
                           " tokens, not at " + std::to_string(options.tokens_max));
  }
  CTT_ASSIGN_OR_RETURN(kernels::Isa isa, kernels::ChooseIsa());
  const bool fell_back = !kernels::F32KernelsAgree(isa) ||
                         (options.engine == Engine::kI8 && !kernels::I8KernelsAgree(isa));
  if (fell_back) isa = kernels::Isa::kReference;

  CTT_ASSIGN_OR_RETURN(const std::string tokenizer_bytes,
                       ReadFile(model_folder / "tokenizer.json"));
  const std::filesystem::path named = std::filesystem::absolute(model_folder).lexically_normal();
  std::unique_ptr<State> state(
      new State{config, options, std::move(tokenizer), isa, fell_back, "",
                (named.has_filename() ? named : named.parent_path()).filename().string()});
  CTT_ASSIGN_OR_RETURN(const Digest weights, state->MakeEngine(model_folder));
  state->encoder_id = EncoderId(weights, tokenizer_bytes, options.engine);
  return std::unique_ptr<const Encoder>(new Encoder(std::move(state)));
}

// Texts go through in tiles; no bit depends on where a tile ends.
void Encoder::Encode(const RaggedBatch& batch, Workspace& workspace, Features& features) const {
  const std::size_t hidden = hidden_size();
  features.embeddings.resize(batch.text_count() * hidden);
  features.phi.resize(batch.text_count() * 2 * hidden);
  Workspace::Buffers& buffers = *workspace.buffers_;
  buffers.unit.resize(hidden);
  std::int32_t first = 0;
  const auto run_tile = [&] {
    EncodeTile(first, buffers, features);
    first += buffers.tile.text_count();
    buffers.tile.Clear();
  };
  buffers.tile.Clear();
  for (std::int32_t t = 0; t < batch.text_count(); ++t) {
    const std::int32_t begin = batch.offsets[t];
    const std::int32_t tokens = batch.offsets[t + 1] - begin;
    if (buffers.tile.text_count() > 0 && buffers.tile.token_count() + tokens > kTileTokens)
      run_tile();
    buffers.tile.Add(std::span(batch.ids).subspan(begin, tokens));
  }
  if (buffers.tile.text_count() > 0) run_tile();
}

void Encoder::EncodeTile(std::int32_t first, Workspace::Buffers& buffers,
                         Features& features) const {
  const std::size_t hidden = hidden_size();
  const std::int32_t last = layer_count();
  const RaggedBatch& tile = buffers.tile;
  const auto pool = [&](std::int32_t layer, const float* states) {
    if (layer != last && layer != last - 2) return;
    for (std::int32_t t = 0; t < tile.text_count(); ++t) {
      const std::int32_t begin = tile.offsets[t];
      kernels::GetF32Kernels(state_->isa)
          .pool({states + begin * hidden, tile.offsets[t + 1] - begin, hidden_size(),
                 buffers.unit.data()});
      const std::size_t row = first + t;
      std::transform(buffers.unit.begin(), buffers.unit.end(),
                     features.phi.data() + row * 2 * hidden + (layer == last ? 0 : hidden),
                     Quantise);
      if (layer == last)
        std::copy(buffers.unit.begin(), buffers.unit.end(),
                  features.embeddings.data() + row * hidden);
    }
  };
  state_->Run(tile, last, buffers, pool);
}

std::vector<float> Encoder::TokenStates(const RaggedBatch& batch, std::int32_t layer) const {
  Workspace::Buffers buffers;
  std::vector<float> kept;
  const std::size_t size = batch.ids.size() * hidden_size();
  state_->Run(batch, layer, buffers, [&](std::int32_t done, const float* states) {
    if (done == layer) kept.assign(states, states + size);
  });
  return kept;
}

const text::Tokenizer& Encoder::tokenizer() const { return state_->tokenizer; }
std::int32_t Encoder::tokens_max() const { return state_->options.tokens_max; }
std::int32_t Encoder::hidden_size() const { return state_->config.hidden_size; }
std::int32_t Encoder::feature_dim() const { return 2 * state_->config.hidden_size; }
std::int32_t Encoder::layer_count() const { return state_->config.layers; }
Engine Encoder::engine() const { return state_->options.engine; }
kernels::Isa Encoder::isa() const { return state_->isa; }
bool Encoder::isa_fell_back() const { return state_->isa_fell_back; }
const std::string& Encoder::encoder_id() const { return state_->encoder_id; }
const std::string& Encoder::model_name() const { return state_->model_name; }

}  // namespace ctt::encoder
