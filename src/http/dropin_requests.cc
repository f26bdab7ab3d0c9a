#include "http/dropin_requests.h"

#include <algorithm>
#include <array>

#include "base/nearest.h"
#include "http/body_fields.h"

namespace ctt::http {
namespace {

constexpr std::array<std::string_view, 5> kOutputs = {"label", "probability", "in_scope", "labels",
                                                      "probabilities"};
constexpr std::size_t kOutputsByDefault = 3;

Status NotSupported(std::string message) {
  return {Code::kInvalidArgument, "not_supported", std::move(message)};
}

Status TokenInput(std::string_view key) {
  return {Code::kInvalidArgument, "token_input",
          "'" + std::string(key) +
              "' holds token ids, which mean nothing without their vocabulary: send texts (clients "
              "that tokenise have a switch for it, such as check_embedding_ctx_length=False)"};
}

// One text of a list: a string, or a list of one string as TEI also takes it.
Result<std::string> ParseText(const json::value& value, std::string_view key) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_number()) return TokenInput(key);
  const json::array* list = value.if_array();
  if (list == nullptr || list->empty()) return WrongType(key, "be a string or a list of strings");
  if (list->front().is_number()) return TokenInput(key);
  if (list->size() > 1)
    return NotSupported("'" + std::string(key) + "' holds pairs of texts; send one text each");
  if (list->front().is_string()) return std::string(list->front().get_string());
  return WrongType(key, "be a string or a list of strings");
}

// A string, or a list of them.
Result<std::vector<std::string>> ParseInputs(const json::object& object, std::string_view key,
                                             std::int32_t texts_max) {
  CTT_ASSIGN_OR_RETURN(const json::value* const value, RequiredValue(object, key));
  if (value->is_string()) return std::vector<std::string>{std::string(value->get_string())};
  if (!value->is_array()) return WrongType(key, "be a string or a list of strings");
  const json::array& list = value->get_array();
  if (list.empty())
    return Status(Code::kInvalidArgument, "empty_request", "'" + std::string(key) + "' is empty");
  if (list.front().is_number()) return TokenInput(key);
  CTT_RETURN_IF_ERROR(CheckTextCount(list.size(), texts_max));
  std::vector<std::string> texts;
  for (const json::value& one : list) {
    CTT_ASSIGN_OR_RETURN(std::string text, ParseText(one, key));
    texts.push_back(std::move(text));
  }
  return texts;
}

Status CheckDimensions(const json::object& object, std::int32_t hidden_size) {
  CTT_ASSIGN_OR_RETURN(const auto dimensions, OptionalInteger(object, "dimensions"));
  if (!dimensions || *dimensions == hidden_size) return Status::Ok();
  return NotSupported("embeddings of this model have " + std::to_string(hidden_size) +
                      " dimensions, no other number");
}

Result<bool> ParseTruncate(const json::object& object) {
  CTT_ASSIGN_OR_RETURN(const auto truncate, OptionalBool(object, "truncate"));
  CTT_ASSIGN_OR_RETURN(const auto direction, OptionalString(object, "truncation_direction"));
  if (direction && *direction != "right" && *direction != "Right")
    return NotSupported("'truncation_direction' is always right: a long text loses its end");
  return truncate.value_or(true);
}

Result<std::optional<std::string>> ParseTask(const json::object& object) {
  CTT_ASSIGN_OR_RETURN(auto task, OptionalString(object, "task_id"));
  CTT_ASSIGN_OR_RETURN(auto model, OptionalString(object, "model"));
  if (!task || !model) return task ? task : model;
  return Status(Code::kInvalidArgument, "conflicting_fields",
                "give 'task_id' or 'model', not both");
}

// Hugging Face clients always send this member, most often empty.
Status ParseClassifyParameters(const json::object& object, service::PredictOptions& options) {
  options.top_k = kTopKMax;
  CTT_ASSIGN_OR_RETURN(const json::object* const given, OptionalObject(object, "parameters"));
  if (given == nullptr) return Status::Ok();
  const json::object& parameters = *given;
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(parameters, {"top_k", "function_to_apply"}));
  CTT_ASSIGN_OR_RETURN(const auto top_k, IntegerIn(parameters, "top_k", 1, kTopKMax));
  options.top_k = static_cast<std::int32_t>(top_k.value_or(options.top_k));
  CTT_ASSIGN_OR_RETURN(const auto function, OptionalString(parameters, "function_to_apply"));
  if (!function || *function == "softmax") return Status::Ok();
  return NotSupported("scores are probabilities: 'function_to_apply' can only be softmax");
}

Status BadTensor(std::string message) {
  return {Code::kInvalidArgument, "bad_tensor", std::move(message)};
}

// Raw bytes are an extension of the protocol; answers are JSON whatever a client prefers, and it
// may say what it prefers.
Status CheckPreference(const json::object& object, std::string_view key) {
  return OptionalBool(object, key).status();
}

Status ExpectWord(const json::object& tensor, std::string_view key, std::string_view word) {
  CTT_ASSIGN_OR_RETURN(const json::value* const value, RequiredValue(tensor, key));
  if (!value->is_string()) return WrongType(key, "be a string");
  if (value->get_string() == word) return Status::Ok();
  return BadTensor("the '" + std::string(key) + "' of the one input is " + std::string(word));
}

// The texts that a shape says, [n] or [n, 1].
Result<std::int64_t> ParseShape(const json::object& tensor) {
  CTT_ASSIGN_OR_RETURN(const json::array* const shape, RequiredArray(tensor, "shape"));
  const bool column = shape->size() == 2 && (*shape)[1] == json::value(1);
  if (shape->size() != 1 && !column)
    return BadTensor("the shape of 'text' is [n] or [n, 1], n texts");
  const json::value& count = shape->front();
  if (count.is_int64() && count.get_int64() >= 0) return count.get_int64();
  return BadTensor("the shape of 'text' holds a number that is none");
}

Result<std::vector<std::string>> ParseTensor(const json::value& value, std::int32_t texts_max) {
  if (!value.is_object()) return WrongType("inputs", "hold objects");
  const json::object& tensor = value.get_object();
  CTT_RETURN_IF_ERROR(
      RefuseUnknownKeys(tensor, {"name", "shape", "datatype", "parameters", "data"}));
  CTT_RETURN_IF_ERROR(ExpectWord(tensor, "name", "text"));
  CTT_RETURN_IF_ERROR(ExpectWord(tensor, "datatype", "BYTES"));
  CTT_ASSIGN_OR_RETURN(const json::object* const parameters, OptionalObject(tensor, "parameters"));
  if (parameters != nullptr && !parameters->empty())
    return NotSupported("the input 'text' takes no parameters; its data is JSON");
  CTT_ASSIGN_OR_RETURN(const std::int64_t count, ParseShape(tensor));
  CTT_RETURN_IF_ERROR(RequiredArray(tensor, "data").status());
  CTT_ASSIGN_OR_RETURN(std::vector<std::string> texts, ParseInputs(tensor, "data", texts_max));
  if (count != static_cast<std::int64_t>(texts.size())) {
    return BadTensor("the shape of 'text' says " + std::to_string(count) + " texts, its data has " +
                     std::to_string(texts.size()));
  }
  return texts;
}

Result<std::string> ParseOutput(const json::value& value) {
  if (!value.is_object()) return WrongType("outputs", "hold objects");
  const json::object& output = value.get_object();
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(output, {"name", "parameters"}));
  CTT_ASSIGN_OR_RETURN(std::string name, RequiredString(output, "name"));
  if (std::find(kOutputs.begin(), kOutputs.end(), name) == kOutputs.end()) {
    const std::vector<std::string> names(kOutputs.begin(), kOutputs.end());
    return BadTensor("there is no output '" + name.substr(0, 100) + "'" + DidYouMean(name, names));
  }
  CTT_ASSIGN_OR_RETURN(const json::object* const parameters, OptionalObject(output, "parameters"));
  if (parameters == nullptr) return name;
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(*parameters, {"binary_data"}));
  CTT_RETURN_IF_ERROR(CheckPreference(*parameters, "binary_data"));
  return name;
}

Status ParseOutputs(const json::object& object, InferRequest& request) {
  const json::value* outputs = object.if_contains("outputs");
  if (outputs == nullptr || outputs->is_null() ||
      (outputs->is_array() && outputs->get_array().empty())) {
    request.outputs.assign(kOutputs.begin(), kOutputs.begin() + kOutputsByDefault);
    return Status::Ok();
  }
  if (!outputs->is_array()) return WrongType("outputs", "be an array");
  for (const json::value& value : outputs->get_array()) {
    CTT_ASSIGN_OR_RETURN(std::string name, ParseOutput(value));
    if (std::find(request.outputs.begin(), request.outputs.end(), name) != request.outputs.end())
      return BadTensor("the output '" + name + "' is asked for twice");
    request.outputs.push_back(std::move(name));
  }
  return Status::Ok();
}

Status ParseParameters(const json::object& object, service::PredictOptions& options) {
  options.top_k = kTopKMax;
  CTT_ASSIGN_OR_RETURN(const json::object* const given, OptionalObject(object, "parameters"));
  if (given == nullptr) return Status::Ok();
  const json::object& parameters = *given;
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(parameters, {"top_k", "timeout_ms", "binary_data_output"}));
  CTT_RETURN_IF_ERROR(CheckPreference(parameters, "binary_data_output"));
  CTT_ASSIGN_OR_RETURN(const auto top_k, IntegerIn(parameters, "top_k", 1, kTopKMax));
  CTT_ASSIGN_OR_RETURN(const auto timeout_ms,
                       IntegerIn(parameters, "timeout_ms", 1, kTimeoutMsMax));
  options.top_k = static_cast<std::int32_t>(top_k.value_or(options.top_k));
  options.timeout_ms = timeout_ms.value_or(options.timeout_ms);
  return Status::Ok();
}

}  // namespace

Result<EmbedRequest> ParseOpenAiEmbeddings(std::string_view body, std::int32_t texts_max,
                                           std::int32_t hidden_size) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(
      RefuseUnknownKeys(object, {"input", "model", "encoding_format", "dimensions", "user"}));
  EmbedRequest request;
  CTT_ASSIGN_OR_RETURN(request.texts, ParseInputs(object, "input", texts_max));
  for (const char* passed_over : {"model", "user"})
    CTT_RETURN_IF_ERROR(OptionalString(object, passed_over).status());
  CTT_ASSIGN_OR_RETURN(const auto format, OptionalString(object, "encoding_format"));
  request.base64 = format == "base64";
  if (format && !request.base64 && format != "float")
    return NotSupported("'encoding_format' is float or base64");
  CTT_RETURN_IF_ERROR(CheckDimensions(object, hidden_size));
  return request;
}

Result<EmbedRequest> ParseTeiEmbed(std::string_view body, std::int32_t texts_max,
                                   std::int32_t hidden_size) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"inputs", "normalize", "truncate", "dimensions",
                                                 "truncation_direction", "prompt_name"}));
  EmbedRequest request;
  CTT_ASSIGN_OR_RETURN(request.texts, ParseInputs(object, "inputs", texts_max));
  CTT_ASSIGN_OR_RETURN(request.options.truncate, ParseTruncate(object));
  CTT_ASSIGN_OR_RETURN(const auto normalize, OptionalBool(object, "normalize"));
  if (!normalize.value_or(true))
    return NotSupported("embeddings are always of unit length: 'normalize' cannot be false");
  CTT_ASSIGN_OR_RETURN(const auto prompt, OptionalString(object, "prompt_name"));
  if (prompt) return NotSupported("this model has no prompts: leave 'prompt_name' out");
  CTT_RETURN_IF_ERROR(CheckDimensions(object, hidden_size));
  return request;
}

Result<ClassifyRequest> ParseTeiClassify(std::string_view body, std::int32_t texts_max) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(
      RefuseUnknownKeys(object, {"inputs", "task_id", "model", "raw_scores", "truncate",
                                 "truncation_direction", "parameters"}));
  ClassifyRequest request;
  CTT_ASSIGN_OR_RETURN(request.task, ParseTask(object));
  CTT_ASSIGN_OR_RETURN(request.texts, ParseInputs(object, "inputs", texts_max));
  request.single = object.at("inputs").is_string();
  CTT_ASSIGN_OR_RETURN(request.options.truncate, ParseTruncate(object));
  CTT_RETURN_IF_ERROR(ParseClassifyParameters(object, request.options));
  CTT_ASSIGN_OR_RETURN(const auto raw_scores, OptionalBool(object, "raw_scores"));
  if (raw_scores.value_or(false))
    return NotSupported("scores are probabilities: 'raw_scores' cannot be true");
  return request;
}

Result<InferRequest> ParseInfer(std::string_view body, std::int32_t texts_max) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"id", "parameters", "inputs", "outputs"}));
  InferRequest request;
  CTT_ASSIGN_OR_RETURN(const auto id, OptionalString(object, "id"));
  request.id = id.value_or("");
  CTT_ASSIGN_OR_RETURN(const json::array* const inputs, RequiredArray(object, "inputs"));
  if (inputs->size() != 1) return BadTensor("there is one input, the tensor 'text'");
  CTT_ASSIGN_OR_RETURN(request.texts, ParseTensor(inputs->front(), texts_max));
  CTT_RETURN_IF_ERROR(ParseOutputs(object, request));
  CTT_RETURN_IF_ERROR(ParseParameters(object, request.options));
  return request;
}

}  // namespace ctt::http
