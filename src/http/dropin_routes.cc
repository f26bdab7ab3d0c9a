// Routes in the shapes of other servers: OpenAI's embeddings, text-embeddings-inference, the Open
// Inference Protocol v2. A model of the protocol is a task, a version of it a head version.
#include <bit>
#include <charconv>

#include "base/base64.h"
#include "base/json_writer.h"
#include "http/dropin_requests.h"
#include "http/routes.h"
#include "service/targets.h"

namespace ctt::http {
namespace {

using service::EmbedAnswer;
using service::PredictAnswer;
using service::TextAnswer;

static_assert(std::endian::native == std::endian::little, "base64 embeddings are little-endian");

// These shapes have no place to say that a text was cut: a header does.
Reply MarkedReply(std::string body, std::int64_t truncated) {
  Reply reply = JsonReply(std::move(body));
  if (truncated > 0) reply.headers.emplace_back("X-Truncated-Texts", std::to_string(truncated));
  return reply;
}

std::int64_t TruncatedCount(const PredictAnswer& answer) {
  std::int64_t count = 0;
  for (const TextAnswer& text : answer.texts) count += text.truncated ? 1 : 0;
  return count;
}

std::span<const float> Row(const EmbedAnswer& answer, std::size_t row) {
  const auto size = static_cast<std::size_t>(answer.hidden_size);
  return {answer.embeddings.data() + row * size, size};
}

void AppendFloats(JsonWriter& json, std::span<const float> floats) {
  json.BeginArray();
  for (const float number : floats) json.Float(number);
  json.EndArray();
}

std::string OpenAiJson(const EmbedAnswer& answer, const std::string& model, bool base64) {
  JsonWriter json;
  json.BeginObject().Field("object", "list").Key("data").BeginArray();
  const std::size_t rows = answer.embeddings.size() / static_cast<std::size_t>(answer.hidden_size);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<const float> floats = Row(answer, row);
    json.BeginObject().Field("object", "embedding");
    json.Field("index", static_cast<std::int64_t>(row)).Key("embedding");
    if (base64) {
      json.String(
          ToBase64({reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float)}));
    } else {
      AppendFloats(json, floats);
    }
    json.EndObject();
  }
  json.EndArray().Field("model", model).Key("usage").BeginObject();
  json.Field("prompt_tokens", answer.tokens).Field("total_tokens", answer.tokens).EndObject();
  json.EndObject();
  return std::move(json).Take();
}

Result<Reply> RenderTeiEmbed(const Call&, const EmbedAnswer& answer) {
  JsonWriter json;
  json.BeginArray();
  const std::size_t rows = answer.embeddings.size() / static_cast<std::size_t>(answer.hidden_size);
  for (std::size_t row = 0; row < rows; ++row) AppendFloats(json, Row(answer, row));
  json.EndArray();
  return MarkedReply(std::move(json).Take(), answer.truncated);
}

using RenderEmbed = std::function<Result<Reply>(const Call&, const EmbedAnswer&)>;
void AskEmbed(CallPtr call, Result<EmbedRequest> request, RenderEmbed render, Answer answer) {
  if (!request.ok()) return answer(request.status());
  request->options.gone = call->gone;
  request->options.stages = call->stages;
  service::Service& service = call->service();
  service.Embed(request->texts, request->options,
                OnLoop<EmbedAnswer>(std::move(call), std::move(answer), std::move(render)));
}

// These protocols' answers are labels with their scores.
Status RequireLabels(const PredictAnswer& answer) {
  if (answer.kind == learn::TaskKind::kRegression) {
    return service::NotForThisKind(answer.task, answer.kind,
                                   "this protocol answers labels; ask /v1/tasks/{task}/predict");
  }
  if (!answer.texts.front().ranked.empty()) return Status::Ok();
  return {Code::kFailedPrecondition, "task_empty",
          "no example of task '" + answer.task + "' has a label yet"};
}

std::string ClassifyJson(const PredictAnswer& answer, bool single) {
  JsonWriter json;
  if (!single) json.BeginArray();
  for (const TextAnswer& text : answer.texts) {
    json.BeginArray();
    for (const auto& row : text.ranked)
      json.BeginObject().Field("label", row.label).Field("score", row.probability).EndObject();
    json.EndArray();
  }
  if (!single) json.EndArray();
  return std::move(json).Take();
}

// One tensor of an answer. Wide ones have a row a text, [n, labels].
void AppendTensor(JsonWriter& json, const std::string& name, const PredictAnswer& answer) {
  const bool wide = name == "labels" || name == "probabilities";
  const bool words = name == "label" || name == "labels";
  const std::size_t columns = wide ? answer.texts.front().ranked.size() : 1;
  json.BeginObject().Field("name", name).Key("shape").BeginArray();
  json.Integer(static_cast<std::int64_t>(answer.texts.size()));
  if (wide) json.Integer(static_cast<std::int64_t>(columns));
  json.EndArray();
  json.Field("datatype", words ? "BYTES" : name == "in_scope" ? "BOOL" : "FP64");
  json.Key("data").BeginArray();
  for (const TextAnswer& text : answer.texts) {
    for (std::size_t i = 0; i < columns; ++i) {
      if (words) {
        json.String(text.ranked[i].label);
      } else if (name == "in_scope") {
        json.Bool(text.in_scope);
      } else {
        json.Number(text.ranked[i].probability);
      }
    }
  }
  json.EndArray().EndObject();
}

std::string InferJson(const PredictAnswer& answer, const std::string& id,
                      const std::vector<std::string>& outputs) {
  JsonWriter json;
  json.BeginObject().Field("model_name", answer.task);
  json.Field("model_version", std::to_string(answer.head_version));
  if (!id.empty()) json.Field("id", id);
  json.Key("outputs").BeginArray();
  for (const std::string& name : outputs) AppendTensor(json, name, answer);
  json.EndArray().EndObject();
  return std::move(json).Take();
}

struct Tensor {
  const char* name;
  const char* datatype;
  std::vector<std::int64_t> shape;
};

void AppendTensors(JsonWriter& json, std::string_view key, const std::vector<Tensor>& tensors) {
  json.Key(key).BeginArray();
  for (const Tensor& tensor : tensors) {
    json.BeginObject().Field("name", tensor.name).Field("datatype", tensor.datatype);
    json.Key("shape").BeginArray();
    for (const std::int64_t size : tensor.shape) json.Integer(size);
    json.EndArray().EndObject();
  }
  json.EndArray();
}

Status VersionNotFound(const std::string& task, const std::string& version) {
  return {Code::kNotFound, "version_not_found",
          "task '" + task + "' has no version '" + version.substr(0, 20) + "' to answer with"};
}

// The version that the path names, if it names one.
Result<std::optional<std::int64_t>> PathVersion(const Call& call) {
  if (call.params.size() < 2) return std::optional<std::int64_t>();
  const std::string& text = call.params[1];
  std::int64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error == std::errc() && end == text.data() + text.size() && version > 0)
    return std::optional<std::int64_t>(version);
  return VersionNotFound(call.params[0], text);
}

// Newest first; only those that can answer.
Result<std::vector<std::int64_t>> AnsweringVersions(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto wanted, PathVersion(call));
  CTT_ASSIGN_OR_RETURN(const auto all, call.service().Versions(call.params[0]));
  std::vector<std::int64_t> versions;
  for (const service::VersionInfo& version : all) {
    if (version.examples > 0 && version.number == wanted.value_or(version.number))
      versions.push_back(version.number);
  }
  if (wanted && versions.empty()) return VersionNotFound(call.params[0], call.params[1]);
  return versions;
}

}  // namespace

void OpenAiEmbeddings(CallPtr call, Answer answer) {
  const service::Service& service = call->service();
  auto request = ParseOpenAiEmbeddings(call->body, call->server.options.texts_max,
                                       service.encoder().hidden_size());
  const bool base64 = request.ok() && request->base64;
  auto render = [base64](const Call& asked, const EmbedAnswer& value) -> Result<Reply> {
    const std::string& model = asked.service().encoder().model_name();
    return MarkedReply(OpenAiJson(value, model, base64), value.truncated);
  };
  AskEmbed(std::move(call), std::move(request), render, std::move(answer));
}

void TeiEmbed(CallPtr call, Answer answer) {
  auto request = ParseTeiEmbed(call->body, call->server.options.texts_max,
                               call->service().encoder().hidden_size());
  AskEmbed(std::move(call), std::move(request), RenderTeiEmbed, std::move(answer));
}

void TeiClassify(CallPtr call, Answer answer) {
  auto request = ParseTeiClassify(call->body, call->server.options.texts_max);
  if (!request.ok()) return answer(request.status());
  service::Service& service = call->service();
  Result<std::string> task =
      request->task ? Result<std::string>(*request->task) : service.OnlyTask(*call->caller);
  if (!task.ok()) return answer(task.status());
  if (const Status status = call->MayName(*task); !status.ok()) return answer(status);
  request->options.gone = call->gone;
  request->options.stages = call->stages;
  auto render = [single = request->single](const Call&,
                                           const PredictAnswer& value) -> Result<Reply> {
    CTT_RETURN_IF_ERROR(RequireLabels(value));
    return MarkedReply(ClassifyJson(value, single), TruncatedCount(value));
  };
  service.Predict(*std::move(task), std::move(request->texts), request->options,
                  OnLoop<PredictAnswer>(std::move(call), std::move(answer), render));
}

Result<Reply> InferenceServer(const Call& call) {
  JsonWriter json;
  json.BeginObject()
      .Field("name", "ctt")
      .Field("version", call.server.options.version)
      .Key("extensions")
      .BeginArray()
      .EndArray()
      .EndObject();
  return JsonReply(std::move(json).Take());
}

Result<Reply> InferenceLive(const Call&) { return JsonReply(R"({"live":true})"); }

Result<Reply> InferenceReady(const Call& call) {
  CTT_RETURN_IF_ERROR(Ready(call).status());
  return JsonReply(R"({"ready":true})");
}

Result<Reply> InferenceModel(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto versions, AnsweringVersions(call));
  JsonWriter json;
  json.BeginObject().Field("name", call.params[0]).Key("versions").BeginArray();
  for (const std::int64_t version : versions) json.String(std::to_string(version));
  json.EndArray().Field("platform", "ctt");
  AppendTensors(json, "inputs", {{"text", "BYTES", {-1}}});
  AppendTensors(json, "outputs",
                {{"label", "BYTES", {-1}},
                 {"probability", "FP64", {-1}},
                 {"in_scope", "BOOL", {-1}},
                 {"labels", "BYTES", {-1, -1}},
                 {"probabilities", "FP64", {-1, -1}}});
  json.EndObject();
  return JsonReply(std::move(json).Take());
}

Result<Reply> InferenceModelReady(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto versions, AnsweringVersions(call));
  if (versions.empty()) {
    return Status(Code::kFailedPrecondition, "task_empty",
                  "task '" + call.params[0] + "' has learned no example yet");
  }
  JsonWriter json;
  json.BeginObject().Field("name", call.params[0]).Field("ready", true).EndObject();
  return JsonReply(std::move(json).Take());
}

void Infer(CallPtr call, Answer answer) {
  auto request = ParseInfer(call->body, call->server.options.texts_max);
  if (!request.ok()) return answer(request.status());
  const auto version = PathVersion(*call);
  if (!version.ok()) return answer(version.status());
  request->options.version = *version;
  request->options.gone = call->gone;
  request->options.stages = call->stages;
  auto render = [id = request->id, outputs = request->outputs](
                    const Call&, const PredictAnswer& value) -> Result<Reply> {
    CTT_RETURN_IF_ERROR(RequireLabels(value));
    return MarkedReply(InferJson(value, id, outputs), TruncatedCount(value));
  };
  service::Service& service = call->service();
  std::string task = call->params[0];
  service.Predict(std::move(task), std::move(request->texts), request->options,
                  OnLoop<PredictAnswer>(std::move(call), std::move(answer), render));
}

}  // namespace ctt::http
