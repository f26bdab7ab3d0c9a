#include "encoder/model_config.h"

#include "base/file.h"
#include "base/json.h"

namespace ctt::encoder {
namespace {

constexpr std::int64_t kSizeMax = 1 << 20;

Status Unsupported(const std::string& what) {
  return {Code::kInvalidArgument, "unsupported_model", what};
}

Status ReadSize(const json::object& config, std::string_view key, std::int32_t& size) {
  CTT_ASSIGN_OR_RETURN(const auto value, OptionalInteger(config, key));
  if (!value) return InvalidArgument("'" + std::string(key) + "' is missing");
  if (*value < 1 || *value > kSizeMax)
    return InvalidArgument("'" + std::string(key) + "' is out of range");
  size = static_cast<std::int32_t>(*value);
  return Status::Ok();
}

Status RequireWord(const json::object& config, std::string_view key, std::string_view wanted) {
  CTT_ASSIGN_OR_RETURN(const auto value, OptionalString(config, key));
  if (!value || *value == wanted) return Status::Ok();
  return Unsupported("'" + std::string(key) + "' is '" + value->substr(0, 50) + "'; only '" +
                     std::string(wanted) + "' is supported");
}

Status CheckShape(const ModelConfig& model) {
  if (model.hidden_size % model.heads != 0 || model.hidden_size / model.heads % 16 != 0)
    return Unsupported("the width of a head must be a multiple of 16");
  if (model.intermediate_size % 16 != 0)
    return Unsupported("'intermediate_size' must be a multiple of 16");
  if (model.layers < 3) return Unsupported("at least three layers are needed");
  return Status::Ok();
}

Result<ModelConfig> Parse(std::string_view text) {
  CTT_ASSIGN_OR_RETURN(const json::value value, ParseJson(text));
  if (!value.is_object()) return InvalidArgument("not a JSON object");
  const json::object& config = value.get_object();
  CTT_RETURN_IF_ERROR(RequireWord(config, "model_type", "bert"));
  CTT_RETURN_IF_ERROR(RequireWord(config, "hidden_act", "gelu"));
  CTT_RETURN_IF_ERROR(RequireWord(config, "position_embedding_type", "absolute"));
  ModelConfig model;
  CTT_RETURN_IF_ERROR(ReadSize(config, "hidden_size", model.hidden_size));
  CTT_RETURN_IF_ERROR(ReadSize(config, "intermediate_size", model.intermediate_size));
  CTT_RETURN_IF_ERROR(ReadSize(config, "num_hidden_layers", model.layers));
  CTT_RETURN_IF_ERROR(ReadSize(config, "num_attention_heads", model.heads));
  CTT_RETURN_IF_ERROR(ReadSize(config, "vocab_size", model.vocabulary_size));
  CTT_RETURN_IF_ERROR(ReadSize(config, "max_position_embeddings", model.positions));
  CTT_RETURN_IF_ERROR(ReadSize(config, "type_vocab_size", model.token_types));
  CTT_ASSIGN_OR_RETURN(const auto epsilon, OptionalNumber(config, "layer_norm_eps"));
  model.layer_norm_epsilon = static_cast<float>(epsilon.value_or(1e-12));
  if (!(model.layer_norm_epsilon >= 0 && model.layer_norm_epsilon < 1))
    return InvalidArgument("'layer_norm_eps' is out of range");
  CTT_RETURN_IF_ERROR(CheckShape(model));
  return model;
}

}  // namespace

Result<ModelConfig> ReadModelConfig(const std::filesystem::path& model_folder) {
  const std::filesystem::path path = model_folder / "config.json";
  CTT_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  Result<ModelConfig> model = Parse(text);
  if (!model.ok()) return model.status().WithContext(path.string());
  return model;
}

}  // namespace ctt::encoder
