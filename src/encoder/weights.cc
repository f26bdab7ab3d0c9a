#include "encoder/weights.h"

#include <array>
#include <string>

#include "encoder/safetensors.h"

namespace ctt::encoder {
namespace {

constexpr std::string_view kWords = "embeddings.word_embeddings.weight";

class WeightReader {
 public:
  WeightReader(const Safetensors& file, const ModelConfig& config)
      : file_(file),
        config_(config),
        prefix_(file.Has("bert." + std::string(kWords)) ? "bert." : "") {}

  Result<Weights> Read() const {
    const std::int64_t hidden = config_.hidden_size;
    Weights weights;
    CTT_RETURN_IF_ERROR(file_.CheckFinite(WordsName(), WordsShape()));
    CTT_ASSIGN_OR_RETURN(weights.positions, Matrix("embeddings.position_embeddings.weight",
                                                   config_.positions, hidden));
    CTT_ASSIGN_OR_RETURN(
        const std::vector<float> types,
        Matrix("embeddings.token_type_embeddings.weight", config_.token_types, hidden));
    for (std::size_t i = 0; i < weights.positions.size(); ++i)
      weights.positions[i] += types[i % config_.hidden_size];
    CTT_ASSIGN_OR_RETURN(weights.embedding_norm, Norm("embeddings.LayerNorm"));
    for (std::int32_t i = 0; i < config_.layers; ++i) {
      CTT_ASSIGN_OR_RETURN(LayerWeights layer, Layer("encoder.layer." + std::to_string(i) + "."));
      weights.layers.push_back(std::move(layer));
    }
    return weights;
  }

  Result<std::string_view> Words() const { return file_.FloatBytes(WordsName(), WordsShape()); }

 private:
  std::string WordsName() const { return prefix_ + std::string(kWords); }
  std::array<std::int64_t, 2> WordsShape() const {
    return {config_.vocabulary_size, config_.hidden_size};
  }
  Result<std::vector<float>> Matrix(const std::string& name, std::int64_t rows,
                                    std::int64_t columns) const {
    const std::int64_t shape[] = {rows, columns};
    return file_.Floats(prefix_ + name, shape);
  }
  Result<std::vector<float>> Vector(const std::string& name, std::int64_t size) const {
    const std::int64_t shape[] = {size};
    return file_.Floats(prefix_ + name, shape);
  }
  Result<LayerNormWeights> Norm(const std::string& name) const {
    LayerNormWeights norm;
    CTT_ASSIGN_OR_RETURN(norm.gamma, Vector(name + ".weight", config_.hidden_size));
    CTT_ASSIGN_OR_RETURN(norm.beta, Vector(name + ".bias", config_.hidden_size));
    return norm;
  }
  Result<LinearWeights> Linear(const std::string& name, std::int64_t out, std::int64_t in) const {
    LinearWeights linear;
    CTT_ASSIGN_OR_RETURN(linear.matrix, Matrix(name + ".weight", out, in));
    CTT_ASSIGN_OR_RETURN(linear.bias, Vector(name + ".bias", out));
    return linear;
  }
  Result<LayerWeights> Layer(const std::string& name) const {
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t inner = config_.intermediate_size;
    LayerWeights layer;
    for (const char* part : {"query", "key", "value"}) {
      CTT_ASSIGN_OR_RETURN(const LinearWeights linear,
                           Linear(name + "attention.self." + part, hidden, hidden));
      layer.qkv.matrix.insert(layer.qkv.matrix.end(), linear.matrix.begin(), linear.matrix.end());
      layer.qkv.bias.insert(layer.qkv.bias.end(), linear.bias.begin(), linear.bias.end());
    }
    CTT_ASSIGN_OR_RETURN(layer.attention, Linear(name + "attention.output.dense", hidden, hidden));
    CTT_ASSIGN_OR_RETURN(layer.attention_norm, Norm(name + "attention.output.LayerNorm"));
    CTT_ASSIGN_OR_RETURN(layer.up, Linear(name + "intermediate.dense", inner, hidden));
    CTT_ASSIGN_OR_RETURN(layer.down, Linear(name + "output.dense", hidden, inner));
    CTT_ASSIGN_OR_RETURN(layer.output_norm, Norm(name + "output.LayerNorm"));
    return layer;
  }

  const Safetensors& file_;
  const ModelConfig& config_;
  const std::string prefix_;
};

}  // namespace

Result<Weights> ReadWeights(std::string_view bytes, const ModelConfig& config) {
  CTT_ASSIGN_OR_RETURN(const Safetensors file, Safetensors::Parse(bytes));
  return WeightReader(file, config).Read();
}

Result<std::string_view> WordBytes(std::string_view bytes, const ModelConfig& config) {
  CTT_ASSIGN_OR_RETURN(const Safetensors file, Safetensors::Parse(bytes));
  return WeightReader(file, config).Words();
}

}  // namespace ctt::encoder
