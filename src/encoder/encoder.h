#pragma once
// Encoder: a frozen BERT-family transformer in memory. TokenIds -> RaggedBatch -> Features.
//
//   phi = clip(rint(512 * [u6 | u4]), -127, 127)   int8 [D], D = 2 H = 768
//   u_l = mean over tokens of layer l's output, divided by its Euclidean length   fp32 [H], H = 384
//
// (for a model of L layers: the last one, and layer L - 2). The embedding is u_L, in fp32: what the
// published sentence-transformers model answers. Source of both: METHOD, section 3; Reimers &
// Gurevych 2019.
//
// Exactness: for one engine the outputs of a text are the same bits whatever the other texts of the
// batch, the thread, and the ISA.
//
// Threads: an Encoder is immutable after Load; share it as const. Each thread brings its own
// Workspace.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "kernels/isa.h"
#include "text/tokenizer.h"

namespace ctt::encoder {

enum class Engine { kF32, kI8 };
std::string_view EngineName(Engine engine);  // "f32", "i8".
Result<Engine> ParseEngine(std::string_view name);

// Texts as ids and offsets, never padded: text t is ids[offsets[t], offsets[t + 1]).
struct RaggedBatch {
  std::vector<text::TokenId> ids;
  std::vector<std::int32_t> offsets = {0};

  void Add(std::span<const text::TokenId> text_ids);
  void Clear();
  std::int32_t text_count() const { return static_cast<std::int32_t>(offsets.size()) - 1; }
  std::int32_t token_count() const { return static_cast<std::int32_t>(ids.size()); }
};

// What a pass answers, row-major.
struct Features {
  std::vector<float> embeddings;  // [texts, H], unit length.
  std::vector<std::int8_t> phi;   // [texts, 2 H].
};

struct EncoderOptions {
  Engine engine = Engine::kI8;
  std::int32_t tokens_max = 256;  // A longer text is cut; at most the model's positions (512).
  bool use_cache = true;          // i8: keep the packed weights in a file beside the model.
};

class Encoder {
 public:
  // Memory that a pass works in; grows to the largest batch seen.
  class Workspace {
   public:
    Workspace();
    ~Workspace();
    Workspace(Workspace&&) noexcept;

   private:
    friend class Encoder;
    struct Buffers;
    std::unique_ptr<Buffers> buffers_;
  };

  // Reads config.json, model.safetensors and the tokenizer of a folder laid out as
  // sentence-transformers publishes it. kNotFound: a file is missing. kInvalidArgument: damaged or
  // not supported; the message names the file, the tensor and what is wrong (truncated,
  // overlapping, wrong shape or type, NaN).
  static Result<std::unique_ptr<const Encoder>> Load(const std::filesystem::path& model_folder,
                                                     const EncoderOptions& options);
  ~Encoder();

  // REQUIRES: every id is below the vocabulary size, every text has 1 to tokens_max() tokens.
  // `features` is resized.
  void Encode(const RaggedBatch& batch, Workspace& workspace, Features& features) const;

  // Test and study access: after layer `layer` (0 = embeddings) the token states, [tokens, H].
  std::vector<float> TokenStates(const RaggedBatch& batch, std::int32_t layer) const;

  const text::Tokenizer& tokenizer() const;
  std::int32_t tokens_max() const;
  std::int32_t hidden_size() const;  // H.
  std::int32_t feature_dim() const;  // D = 2 H.
  std::int32_t layer_count() const;
  Engine engine() const;
  kernels::Isa isa() const;    // The one in use, after the start-up self-check.
  bool isa_fell_back() const;  // The self-check found a difference; a slower ISA is used.

  // 64 hexadecimal digits: SHA-256 over the weights file, the tokenizer file, the engine and the
  // version of its numerics. Features of equal encoder_id may be mixed; no others.
  const std::string& encoder_id() const;
  const std::string& model_name() const;  // The folder's last part, for people.

 private:
  struct State;
  // Runs the tile in the workspace's buffers; its texts are those of the batch from `first` on.
  void EncodeTile(std::int32_t first, Workspace::Buffers& buffers, Features& features) const;
  explicit Encoder(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace ctt::encoder
