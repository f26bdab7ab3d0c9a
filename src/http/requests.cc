#include "http/requests.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/rfc3339.h"

namespace ctt::http {
namespace {

constexpr std::int64_t kTopKMax = 10'000;  // Labels that a task may have (service::Limits).
constexpr std::int64_t kTimeoutMsMax = 60'000;
constexpr std::size_t kKeyBytesMax = 256;

Result<json::object> ParseObject(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(json::value value, ParseJson(body));
  if (value.is_object()) return std::move(value.get_object());
  return Status(Code::kInvalidArgument, "wrong_type", "the body must be a JSON object");
}

Result<std::optional<std::int64_t>> IntegerIn(const json::object& object, std::string_view key,
                                              std::int64_t min, std::int64_t max) {
  CTT_ASSIGN_OR_RETURN(const std::optional<std::int64_t> number, OptionalInteger(object, key));
  if (!number || (*number >= min && *number <= max)) return number;
  return Status(Code::kInvalidArgument, "out_of_range",
                "'" + std::string(key) + "' must be from " + std::to_string(min) + " to " +
                    std::to_string(max));
}

Result<const json::array*> RequiredArray(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) {
    return Status(Code::kInvalidArgument, "missing_field", "'" + std::string(key) + "' is missing");
  }
  if (value->is_array()) return &value->get_array();
  return Status(Code::kInvalidArgument, "wrong_type",
                "'" + std::string(key) + "' must be an array");
}

Result<std::vector<std::string>> RequiredStrings(const json::object& object, std::string_view key) {
  CTT_ASSIGN_OR_RETURN(const json::array* const array, RequiredArray(object, key));
  std::vector<std::string> strings;
  for (const json::value& value : *array) {
    if (!value.is_string()) {
      return Status(Code::kInvalidArgument, "wrong_type",
                    "'" + std::string(key) + "' must hold strings only");
    }
    strings.emplace_back(value.get_string());
  }
  if (!strings.empty()) return strings;
  return Status(Code::kInvalidArgument, "empty_request", "'" + std::string(key) + "' is empty");
}

Result<std::vector<std::string>> ParseTexts(const json::object& object, std::int32_t texts_max) {
  CTT_ASSIGN_OR_RETURN(std::vector<std::string> texts, RequiredStrings(object, "texts"));
  if (texts.size() <= static_cast<std::size_t>(texts_max)) return texts;
  return Status(Code::kTooLarge, "too_many_texts",
                "the call has " + std::to_string(texts.size()) + " texts; at most " +
                    std::to_string(texts_max) + " are allowed");
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

// "version": a number, or the name of an alias.
Status ParseVersionOrAlias(const json::object& object, std::optional<std::int64_t>& version,
                           std::string& alias) {
  const json::value* value = object.if_contains("version");
  if (value != nullptr && value->is_string()) {
    alias = std::string(value->get_string());
    if (!alias.empty()) return Status::Ok();
    return {Code::kInvalidArgument, "out_of_range", "'version' is empty"};
  }
  CTT_ASSIGN_OR_RETURN(version,
                       IntegerIn(object, "version", 1, std::numeric_limits<std::int64_t>::max()));
  return Status::Ok();
}

Status ParseOptions(const json::object& object, service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(const auto top_k, IntegerIn(object, "top_k", 1, kTopKMax));
  CTT_ASSIGN_OR_RETURN(const auto timeout_ms, IntegerIn(object, "timeout_ms", 1, kTimeoutMsMax));
  CTT_RETURN_IF_ERROR(ParseVersionOrAlias(object, options.version, options.alias));
  CTT_ASSIGN_OR_RETURN(auto key, OptionalString(object, "key"));
  if (key && key->size() > kKeyBytesMax)
    return {Code::kTooLarge, "key_too_long", "'key' may have at most 256 bytes"};
  options.key = std::move(key).value_or("");
  options.top_k = static_cast<std::int32_t>(top_k.value_or(options.top_k));
  options.timeout_ms = timeout_ms.value_or(options.timeout_ms);
  return Status::Ok();
}

Status ParseNestedOptions(const json::object& object, service::PredictOptions& options) {
  const json::value* nested = object.if_contains("options");
  if (nested == nullptr || nested->is_null()) return Status::Ok();
  if (!nested->is_object())
    return {Code::kInvalidArgument, "wrong_type", "'options' must be an object"};
  CTT_RETURN_IF_ERROR(
      RefuseUnknownKeys(nested->get_object(), {"top_k", "version", "timeout_ms", "key"}));
  return ParseOptions(nested->get_object(), options);
}

Status RowError(const Status& status, std::size_t row) {
  return status.WithContext("row " + std::to_string(row));
}

Result<service::EvaluateRow> ParseEvaluateRow(const json::value& value) {
  CTT_ASSIGN_OR_RETURN(service::LearnRow row, ParseLearnRow(value));
  return service::EvaluateRow{std::move(row.text), std::move(row.label)};
}

Result<const json::object*> RequiredObject(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value != nullptr && value->is_object()) return &value->get_object();
  return Status(Code::kInvalidArgument, "wrong_type",
                "'" + std::string(key) + "' must be an object");
}

Result<std::optional<std::int64_t>> OptionalTime(const json::object& object, std::string_view key) {
  CTT_ASSIGN_OR_RETURN(const auto text, OptionalString(object, key));
  if (!text) return std::optional<std::int64_t>();
  CTT_ASSIGN_OR_RETURN(const std::int64_t time_us, ParseRfc3339(*text));
  return std::optional(time_us);
}

Result<service::ExampleFilter> ParseFilter(const json::object& object) {
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"label", "source", "since", "before"}));
  service::ExampleFilter filter;
  CTT_ASSIGN_OR_RETURN(filter.label, OptionalString(object, "label"));
  CTT_ASSIGN_OR_RETURN(filter.source, OptionalString(object, "source"));
  CTT_ASSIGN_OR_RETURN(filter.since_us, OptionalTime(object, "since"));
  CTT_ASSIGN_OR_RETURN(filter.before_us, OptionalTime(object, "before"));
  return filter;
}

Result<service::Publishing> ParsePublishing(const json::object& object) {
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"automatic", "max_accuracy_fall"}));
  service::Publishing publishing;
  CTT_ASSIGN_OR_RETURN(const auto automatic, OptionalBool(object, "automatic"));
  CTT_ASSIGN_OR_RETURN(publishing.max_accuracy_fall, OptionalNumber(object, "max_accuracy_fall"));
  if (!automatic) return Status(Code::kInvalidArgument, "missing_field", "'automatic' is missing");
  publishing.automatic = *automatic;
  return publishing;
}

// The one member of 'labels', which says what to do.
Result<service::LabelEdit> ParseLabelEdit(const json::object& object) {
  using Kind = service::LabelEdit::Kind;
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"rename", "merge", "split", "delete"}));
  if (object.size() != 1)
    return Status(Code::kInvalidArgument, object.empty() ? "missing_field" : "conflicting_fields",
                  "'labels' takes one of 'rename', 'merge', 'split' and 'delete'");
  service::LabelEdit edit;
  for (const Kind kind : {Kind::kRename, Kind::kMerge, Kind::kSplit, Kind::kDelete})
    if (object.begin()->key() == LabelEditName(kind)) edit.kind = kind;
  CTT_ASSIGN_OR_RETURN(const json::object* const found,
                       RequiredObject(object, LabelEditName(edit.kind)));
  const json::object& fields = *found;
  CTT_ASSIGN_OR_RETURN(edit.label, RequiredString(fields, "label"));
  if (edit.kind == Kind::kDelete) {
    CTT_RETURN_IF_ERROR(RefuseUnknownKeys(fields, {"label"}));
    return edit;
  }
  CTT_ASSIGN_OR_RETURN(edit.to, RequiredString(fields, "to"));
  if (edit.kind != Kind::kSplit) {
    CTT_RETURN_IF_ERROR(RefuseUnknownKeys(fields, {"label", "to"}));
    return edit;
  }
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(fields, {"label", "to", "ids"}));
  CTT_ASSIGN_OR_RETURN(edit.ids, RequiredStrings(fields, "ids"));
  return edit;
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
      RefuseUnknownKeys(object, {"text", "texts", "top_k", "version", "timeout_ms", "key"}));
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

Result<TaskChange> ParseTaskChange(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"name", "labels", "publishing"}));
  TaskChange change;
  if (object.size() > 1)
    return Status(Code::kInvalidArgument, "conflicting_fields",
                  "give one of 'name', 'labels' and 'publishing'");
  if (object.contains("labels")) {
    CTT_ASSIGN_OR_RETURN(const json::object* const labels, RequiredObject(object, "labels"));
    CTT_ASSIGN_OR_RETURN(change.labels, ParseLabelEdit(*labels));
  } else if (object.contains("publishing")) {
    CTT_ASSIGN_OR_RETURN(const json::object* const publishing,
                         RequiredObject(object, "publishing"));
    CTT_ASSIGN_OR_RETURN(change.publishing, ParsePublishing(*publishing));
  } else {
    CTT_ASSIGN_OR_RETURN(change.name, RequiredString(object, "name"));
  }
  return change;
}

Result<UnlearnRequest> ParseUnlearn(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"ids", "filter"}));
  if (object.size() > 1)
    return Status(Code::kInvalidArgument, "conflicting_fields", "give 'ids' or 'filter', not both");
  UnlearnRequest request;
  if (object.contains("filter")) {
    CTT_ASSIGN_OR_RETURN(const json::object* const filter, RequiredObject(object, "filter"));
    CTT_ASSIGN_OR_RETURN(request.filter, ParseFilter(*filter));
  } else {
    CTT_ASSIGN_OR_RETURN(request.ids, RequiredStrings(object, "ids"));
  }
  return request;
}

Result<service::AliasChange> ParseAliasChange(std::string alias, std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"version", "share"}));
  service::AliasChange change;
  change.alias = std::move(alias);
  CTT_RETURN_IF_ERROR(ParseVersionOrAlias(object, change.version, change.version_alias));
  CTT_ASSIGN_OR_RETURN(const auto share, OptionalNumber(object, "share"));
  change.share = share.value_or(0);
  if (change.version || !change.version_alias.empty()) return change;
  return Status(Code::kInvalidArgument, "missing_field", "'version' is missing");
}

Result<std::optional<std::int64_t>> ParseIfMatch(const std::optional<std::string>& header) {
  if (!header) return std::optional<std::int64_t>();
  std::int64_t version = 0;
  const std::string& text = *header;
  const bool quoted = text.size() > 2 && text.front() == '"' && text.back() == '"';
  if (quoted) {
    const char* const end = text.data() + text.size() - 1;
    const auto [at, error] = std::from_chars(text.data() + 1, end, version);
    if (error == std::errc() && at == end && version >= 0) return std::optional(version);
  }
  return Status(Code::kInvalidArgument, "bad_if_match",
                "If-Match must be one version in quotes, as an ETag of this server has it");
}

}  // namespace ctt::http
