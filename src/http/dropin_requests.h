#pragma once
// Bodies of the drop-in routes: what clients of OpenAI's embeddings, of text-embeddings-inference
// (TEI) and of the Open Inference Protocol v2 send -> what the service takes. Pure functions over
// untrusted bytes.
//
// A field that those protocols have and ctt cannot honour is refused by name, never passed over
// with another meaning. Errors are those of requests.h, and kInvalidArgument ("not_supported",
// "token_input", "bad_tensor").
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "service/types.h"

namespace ctt::http {

struct EmbedRequest {
  std::vector<std::string> texts;
  bool base64 = false;  // Each embedding as the base64 of its little-endian floats.
  service::EmbedOptions options;
};
// OpenAI: {input, model, encoding_format, dimensions, user}. `hidden_size` is the only dimension.
Result<EmbedRequest> ParseOpenAiEmbeddings(std::string_view body, std::int32_t texts_max,
                                           std::int32_t hidden_size);
// TEI: {inputs, normalize, truncate, truncation_direction, dimensions, prompt_name}.
Result<EmbedRequest> ParseTeiEmbed(std::string_view body, std::int32_t texts_max,
                                   std::int32_t hidden_size);

struct ClassifyRequest {
  std::optional<std::string> task;  // Absent: the only one.
  std::vector<std::string> texts;
  bool single = false;  // One string: the answer is one list, not a list of lists.
  service::PredictOptions options;
};
// TEI: {inputs, raw_scores, truncate, truncation_direction}, Hugging Face's parameters{top_k,
// function_to_apply}, and ctt's task_id or model.
Result<ClassifyRequest> ParseTeiClassify(std::string_view body, std::int32_t texts_max);

struct InferRequest {
  std::string id;  // Empty: none was given.
  std::vector<std::string> texts;
  std::vector<std::string> outputs;  // Names, in the order of the answer; at least one.
  service::PredictOptions options;
};
// Open Inference Protocol: {id, inputs: [the tensor "text", BYTES], outputs, parameters{top_k,
// timeout_ms}}.
Result<InferRequest> ParseInfer(std::string_view body, std::int32_t texts_max);

}  // namespace ctt::http
