#include "http/requests.h"

#include <algorithm>
#include <limits>

#include "http/body_fields.h"

namespace ctt::http {
namespace {

Result<std::vector<std::string>> ParseTexts(const json::object& object, std::int32_t texts_max) {
  CTT_ASSIGN_OR_RETURN(std::vector<std::string> texts, RequiredStrings(object, "texts"));
  CTT_RETURN_IF_ERROR(CheckTextCount(texts.size(), texts_max));
  return texts;
}

// "text" or "texts", one of them.
Status ParseTextOrTexts(const json::object& object, std::int32_t texts_max,
                        PredictRequest& request) {
  request.single = object.contains("text");
  const bool several = object.contains("texts");
  if (request.single && several)
    return {Code::kInvalidArgument, "conflicting_fields", "give 'text' or 'texts', not both"};
  if (!request.single && !several)
    return {Code::kInvalidArgument, "missing_field", "'text' or 'texts' is missing"};
  if (request.single) {
    CTT_ASSIGN_OR_RETURN(std::string text, RequiredString(object, "text"));
    request.texts.push_back(std::move(text));
    return Status::Ok();
  }
  CTT_ASSIGN_OR_RETURN(request.texts, ParseTexts(object, texts_max));
  return Status::Ok();
}

Status ParseOptions(const json::object& object, service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(const auto top_k, IntegerIn(object, "top_k", 1, kTopKMax));
  CTT_ASSIGN_OR_RETURN(const auto timeout_ms, IntegerIn(object, "timeout_ms", 1, kTimeoutMsMax));
  CTT_ASSIGN_OR_RETURN(options.version,
                       IntegerIn(object, "version", 1, std::numeric_limits<std::int64_t>::max()));
  options.top_k = static_cast<std::int32_t>(top_k.value_or(options.top_k));
  options.timeout_ms = timeout_ms.value_or(options.timeout_ms);
  return Status::Ok();
}

Status ParseNestedOptions(const json::object& object, service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(const json::object* const nested, OptionalObject(object, "options"));
  if (nested == nullptr) return Status::Ok();
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(*nested, {"top_k", "version", "timeout_ms"}));
  return ParseOptions(*nested, options);
}

Status RowError(const Status& status, std::size_t row) {
  return status.WithContext("row " + std::to_string(row));
}

Result<service::EvaluateRow> ParseEvaluateRow(const json::value& value) {
  CTT_ASSIGN_OR_RETURN(service::LearnRow row, ParseLearnRow(value));
  return service::EvaluateRow{std::move(row.text), std::move(row.label)};
}

}  // namespace

Result<PredictRequest> ParsePredict(std::string_view body, std::int32_t texts_max) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"text", "texts", "task_id", "options"}));
  PredictRequest request;
  CTT_ASSIGN_OR_RETURN(request.task, RequiredString(object, "task_id"));
  CTT_RETURN_IF_ERROR(ParseTextOrTexts(object, texts_max, request));
  CTT_RETURN_IF_ERROR(ParseNestedOptions(object, request.options));
  return request;
}

Result<PredictRequest> ParsePredictBatch(std::string_view body, std::int32_t texts_max) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"texts", "task_id", "options"}));
  PredictRequest request;
  CTT_ASSIGN_OR_RETURN(request.task, RequiredString(object, "task_id"));
  CTT_ASSIGN_OR_RETURN(request.texts, ParseTexts(object, texts_max));
  CTT_RETURN_IF_ERROR(ParseNestedOptions(object, request.options));
  return request;
}

Result<PredictRequest> ParsePredictTask(std::string task, std::string_view body,
                                        std::int32_t texts_max) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(
      RefuseUnknownKeys(object, {"text", "texts", "top_k", "version", "timeout_ms"}));
  PredictRequest request;
  request.task = std::move(task);
  CTT_RETURN_IF_ERROR(ParseTextOrTexts(object, texts_max, request));
  CTT_RETURN_IF_ERROR(ParseOptions(object, request.options));
  return request;
}

Result<service::LearnRow> ParseLearnRow(const json::value& value) {
  if (!value.is_object())
    return Status(Code::kInvalidArgument, "wrong_type", "a row must be a JSON object");
  const json::object& object = value.get_object();
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"text", "label", "id", "source"}));
  service::LearnRow row;
  CTT_ASSIGN_OR_RETURN(row.text, RequiredString(object, "text"));
  CTT_ASSIGN_OR_RETURN(row.label, RequiredString(object, "label"));
  CTT_ASSIGN_OR_RETURN(std::optional<std::string> id, OptionalString(object, "id"));
  CTT_ASSIGN_OR_RETURN(std::optional<std::string> source, OptionalString(object, "source"));
  row.id = id.value_or("");
  row.source = source.value_or("");
  return row;
}

Result<std::vector<service::LearnRow>> ParseLearn(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::value value, ParseJson(body));
  const json::object* object = value.if_object();
  if (object == nullptr)
    return Status(Code::kInvalidArgument, "wrong_type", "the body must be a JSON object");
  std::vector<service::LearnRow> rows;
  if (!object->contains("examples") && object->contains("text")) {
    CTT_ASSIGN_OR_RETURN(service::LearnRow row, ParseLearnRow(value));
    rows.push_back(std::move(row));
    return rows;
  }
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(*object, {"examples"}));
  CTT_ASSIGN_OR_RETURN(const json::array* const examples, RequiredArray(*object, "examples"));
  for (const json::value& example : *examples) {
    Result<service::LearnRow> row = ParseLearnRow(example);
    if (!row.ok()) return RowError(row.status(), rows.size() + 1);
    rows.push_back(*std::move(row));
  }
  return rows;
}

Result<std::vector<service::EvaluateRow>> ParseEvaluate(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"rows", "examples"}));
  if (object.contains("rows") && object.contains("examples"))
    return Status(Code::kInvalidArgument, "conflicting_fields",
                  "give 'rows' or 'examples', not both");
  const char* key = object.contains("examples") ? "examples" : "rows";
  CTT_ASSIGN_OR_RETURN(const json::array* const array, RequiredArray(object, key));
  std::vector<service::EvaluateRow> rows;
  for (const json::value& value : *array) {
    Result<service::EvaluateRow> row = ParseEvaluateRow(value);
    if (!row.ok()) return RowError(row.status(), rows.size() + 1);
    rows.push_back(*std::move(row));
  }
  return rows;
}

Result<std::vector<service::EvaluateRow>> ParseEvaluateLines(std::string_view body) {
  std::vector<service::EvaluateRow> rows;
  for (std::size_t number = 1; !body.empty(); ++number) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Result<json::value> value = ParseJson(line);
    if (!value.ok()) return RowError(value.status(), number);
    Result<service::EvaluateRow> row = ParseEvaluateRow(*value);
    if (!row.ok()) return RowError(row.status(), number);
    rows.push_back(*std::move(row));
  }
  return rows;
}

Result<std::string> ParseName(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"name"}));
  return RequiredString(object, "name");
}

Result<std::vector<std::string>> ParseIds(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"ids"}));
  return RequiredStrings(object, "ids");
}

Result<std::int64_t> ParseVersion(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"version"}));
  CTT_ASSIGN_OR_RETURN(const auto version,
                       IntegerIn(object, "version", 1, std::numeric_limits<std::int64_t>::max()));
  if (version) return *version;
  return Status(Code::kInvalidArgument, "missing_field", "'version' is missing");
}

Result<service::NewKey> ParseNewKey(std::string_view body) {
  constexpr std::int64_t kLimitMax = 1'000'000'000;
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(
      object, {"name", "scopes", "tasks", "requests_per_second", "requests_per_day"}));
  service::NewKey key;
  CTT_ASSIGN_OR_RETURN(key.name, RequiredString(object, "name"));
  CTT_ASSIGN_OR_RETURN(key.scopes, RequiredStrings(object, "scopes"));
  if (object.contains("tasks")) {
    CTT_ASSIGN_OR_RETURN(key.tasks, RequiredStrings(object, "tasks"));
  }
  CTT_ASSIGN_OR_RETURN(const auto rate, IntegerIn(object, "requests_per_second", 0, kLimitMax));
  CTT_ASSIGN_OR_RETURN(const auto quota, IntegerIn(object, "requests_per_day", 0, kLimitMax));
  key.requests_per_second = rate.value_or(0);
  key.requests_per_day = quota.value_or(0);
  return key;
}

}  // namespace ctt::http
