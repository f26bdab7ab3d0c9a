#include "encoder/i8_model.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string>

#include "base/bytes.h"

namespace ctt::encoder {
namespace {

constexpr std::string_view kMagic = "cttI8pk\n";
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kHeaderSize = 128;
constexpr std::size_t kBoundary = 64;

std::string Header(const ModelConfig& config, const SourceFile& source, const Digest& digest) {
  ByteWriter writer;
  writer.WriteArray(std::span(kMagic));
  writer.Write(kVersion);
  for (const std::int32_t size : {config.hidden_size, config.intermediate_size, config.layers,
                                  config.heads, config.vocabulary_size, config.positions})
    writer.Write(size);
  writer.Write(source.size);
  writer.Write(source.changed);
  writer.Write(source.digest);
  writer.Write(digest);
  std::string header = std::move(writer).Take();
  header.resize(kHeaderSize);
  return header;
}

// The source that a header names; whether the rest of the header is right is asked by making it
// anew.
SourceFile ReadSource(std::string_view header) {
  ByteReader reader(header.substr(kMagic.size() + 7 * sizeof(std::int32_t)));
  SourceFile source;
  source.size = reader.Read<std::uint64_t>();
  source.changed = reader.Read<std::int64_t>();
  source.digest = reader.Read<Digest>();
  return source;
}

// Appends arrays, each on its boundary.
class Appender {
 public:
  explicit Appender(LineVector<char>& bytes) : bytes_(bytes) {}
  template <typename T>
  void Append(const std::vector<T>& values) {
    const auto* from = reinterpret_cast<const char*>(values.data());
    bytes_.insert(bytes_.end(), from, from + values.size() * sizeof(T));
    bytes_.resize((bytes_.size() + kBoundary - 1) / kBoundary * kBoundary);
  }

 private:
  LineVector<char>& bytes_;
};

// Hands out the arrays in the same order; nullptr past the end.
class Taker {
 public:
  explicit Taker(std::string_view rest) : rest_(rest) {}
  template <typename T>
  const T* Take(std::size_t count) {
    const std::size_t size = (count * sizeof(T) + kBoundary - 1) / kBoundary * kBoundary;
    if (size > rest_.size()) {
      rest_ = {};
      failed_ = true;
      return nullptr;
    }
    const char* taken = rest_.data();
    rest_.remove_prefix(size);
    return reinterpret_cast<const T*>(taken);
  }
  std::size_t remaining() const { return rest_.size(); }
  bool failed() const { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

void AppendNorm(const LayerNormWeights& norm, Appender& out) {
  out.Append(norm.gamma);
  out.Append(norm.beta);
}

void AppendLinear(const LinearWeights& linear, Appender& out) {
  const auto n = static_cast<std::int32_t>(linear.bias.size());
  const auto k = static_cast<std::int32_t>(linear.matrix.size() / linear.bias.size());
  std::vector<std::int8_t> panels(linear.matrix.size());
  std::vector<std::int32_t> start(n);
  std::vector<float> scale(n);
  kernels::PackI8(linear.matrix, n, k, panels, start, scale);
  out.Append(panels);
  out.Append(start);
  out.Append(scale);
  out.Append(linear.bias);
}

// Moves the square root of the magnitudes from the activations into the weights.
void AppendSmoothed(LinearWeights linear, std::span<const float> magnitudes, Appender& out) {
  constexpr float kLeast = 1e-4F;  // A column that made texts never moved.
  std::vector<float> factor;
  for (const float magnitude : magnitudes)
    factor.push_back(1.0F / std::sqrt(std::max(magnitude, kLeast)));
  for (std::size_t i = 0; i < linear.matrix.size(); ++i)
    linear.matrix[i] /= factor[i % factor.size()];
  out.Append(factor);
  AppendLinear(linear, out);
}

void AppendLayer(const LayerWeights& layer, std::span<const float> qkv, std::span<const float> up,
                 Appender& out) {
  AppendSmoothed(layer.qkv, qkv, out);
  AppendLinear(layer.attention, out);
  AppendNorm(layer.attention_norm, out);
  AppendSmoothed(layer.up, up, out);
  AppendLinear(layer.down, out);
  AppendNorm(layer.output_norm, out);
}

NormView TakeNorm(std::int32_t width, Taker& in) {
  const float* gamma = in.Take<float>(width);
  return {gamma, in.Take<float>(width)};
}

kernels::WeightsI8 TakeLinear(std::int32_t n, std::int32_t k, Taker& in) {
  kernels::WeightsI8 w;
  w.n = n;
  w.k = k;
  w.panels = in.Take<std::int8_t>(std::size_t(n) * k);
  w.start = in.Take<std::int32_t>(n);
  w.scale = in.Take<float>(n);
  w.bias = in.Take<float>(n);
  return w;
}

I8Layer TakeLayer(const ModelConfig& config, Taker& in) {
  const std::int32_t hidden = config.hidden_size;
  I8Layer layer;
  layer.qkv_factor = in.Take<float>(hidden);
  layer.qkv = TakeLinear(3 * hidden, hidden, in);
  layer.attention = TakeLinear(hidden, hidden, in);
  layer.attention_norm = TakeNorm(hidden, in);
  layer.up_factor = in.Take<float>(hidden);
  layer.up = TakeLinear(config.intermediate_size, hidden, in);
  layer.down = TakeLinear(hidden, config.intermediate_size, in);
  layer.output_norm = TakeNorm(hidden, in);
  return layer;
}

}  // namespace

LineVector<char> PackI8Model(const ModelConfig& config, const Weights& weights,
                             const ColumnMagnitudes& magnitudes, const SourceFile& source) {
  LineVector<char> bytes(kHeaderSize);
  Appender out(bytes);
  out.Append(weights.positions);
  AppendNorm(weights.embedding_norm, out);
  const std::size_t hidden = config.hidden_size;
  for (std::size_t i = 0; i < weights.layers.size(); ++i)
    AppendLayer(weights.layers[i], std::span(magnitudes.qkv).subspan(i * hidden, hidden),
                std::span(magnitudes.up).subspan(i * hidden, hidden), out);
  const std::string_view all(bytes.data(), bytes.size());
  const std::string header = Header(config, source, Sha256(all.substr(kHeaderSize)));
  std::copy(header.begin(), header.end(), bytes.begin());
  return bytes;
}

Result<I8Model> ViewI8Model(std::string_view bytes, const ModelConfig& config) {
  if (bytes.size() < kHeaderSize) return DataLoss("the packed weights are cut short");
  Taker in(bytes.substr(kHeaderSize));
  I8Model model;
  model.source = ReadSource(bytes);
  model.positions = in.Take<float>(std::size_t(config.positions) * config.hidden_size);
  model.embedding_norm = TakeNorm(config.hidden_size, in);
  for (std::int32_t i = 0; i < config.layers; ++i) model.layers.push_back(TakeLayer(config, in));
  if (in.failed() || in.remaining() != 0)
    return DataLoss("the packed weights are of another size than the model");
  const Digest digest = Sha256(bytes.substr(kHeaderSize));
  if (Header(config, model.source, digest) != bytes.substr(0, kHeaderSize))
    return DataLoss("the packed weights are damaged or of another version");
  return model;
}

}  // namespace ctt::encoder
