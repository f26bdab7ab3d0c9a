#include "http/requests.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/rfc3339.h"
#include "http/body_fields.h"
#include "http/row_label.h"
#include "service/targets.h"
#include "service/task_settings.h"

namespace ctt::http {
namespace {

constexpr std::size_t kKeyBytesMax = 256;
constexpr std::int64_t kSuggestionsMax = 1000;

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
  CTT_ASSIGN_OR_RETURN(options.error_rate, OptionalNumber(object, "error_rate"));
  CTT_ASSIGN_OR_RETURN(options.threshold, OptionalNumber(object, "threshold"));
  CTT_ASSIGN_OR_RETURN(const auto adjust_prior, OptionalBool(object, "adjust_prior"));
  CTT_ASSIGN_OR_RETURN(const auto explain, OptionalBool(object, "explain"));
  CTT_ASSIGN_OR_RETURN(const auto explain_words, OptionalBool(object, "explain_words"));
  options.adjust_prior = adjust_prior.value_or(false);
  options.explain = explain.value_or(false);
  options.explain_words = explain_words.value_or(false);
  return Status::Ok();
}

Status ParseNestedOptions(const json::object& object, service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(const json::object* const nested, OptionalObject(object, "options"));
  if (nested == nullptr) return Status::Ok();
  CTT_RETURN_IF_ERROR(
      RefuseUnknownKeys(*nested, {"top_k", "version", "timeout_ms", "key", "error_rate",
                                  "threshold", "adjust_prior", "explain", "explain_words"}));
  return ParseOptions(*nested, options);
}

Status RowError(const Status& status, std::size_t row) {
  return status.WithContext("row " + std::to_string(row));
}

Result<service::LabelDescription> ParseLabel(const json::value& value) {
  if (!value.is_object())
    return Status(Code::kInvalidArgument, "wrong_type", "a label must be a JSON object");
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(value.get_object(), {"name", "description"}));
  service::LabelDescription label;
  CTT_ASSIGN_OR_RETURN(label.name, RequiredString(value.get_object(), "name"));
  CTT_ASSIGN_OR_RETURN(label.description, OptionalString(value.get_object(), "description"));
  return label;
}

Result<service::EvaluateRow> ParseEvaluateRow(const json::value& value) {
  CTT_ASSIGN_OR_RETURN(service::LearnRow row, ParseLearnRow(value));
  return service::EvaluateRow{std::move(row.text), std::move(row.label), std::move(row.labels),
                              row.number};
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
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(
      object, {"text", "texts", "top_k", "version", "timeout_ms", "key", "error_rate", "threshold",
               "adjust_prior", "explain", "explain_words"}));
  PredictRequest request;
  request.task = std::move(task);
  CTT_RETURN_IF_ERROR(ParseTextOrTexts(object, texts_max, request));
  CTT_RETURN_IF_ERROR(ParseOptions(object, request.options));
  return request;
}

Result<RouteRequest> ParseRoute(std::string_view body, std::int32_t texts_max) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"text", "texts", "group", "options"}));
  RouteRequest request;
  CTT_ASSIGN_OR_RETURN(const auto group, OptionalString(object, "group"));
  if (group && group->empty())
    return Status(Code::kInvalidArgument, "bad_group_name", "'group' is empty");
  request.group = group.value_or("");
  CTT_RETURN_IF_ERROR(ParseTextOrTexts(object, texts_max, request.predict));
  CTT_RETURN_IF_ERROR(ParseNestedOptions(object, request.predict.options));
  const service::PredictOptions& options = request.predict.options;
  if (options.version) {
    return Status(Code::kInvalidArgument, "unknown_field",
                  "'version' belongs to one task; a route is answered by live heads");
  }
  if (options.adjust_prior) {
    return Status(Code::kInvalidArgument, "unknown_field",
                  "'adjust_prior' belongs to one task; ask the task that the route names");
  }
  if (options.explain || options.explain_words) {
    return Status(Code::kInvalidArgument, "unknown_field",
                  "an explanation belongs to one task; ask the task that the route names");
  }
  return request;
}

Result<service::LearnRow> ParseLearnRow(const json::value& value) {
  if (!value.is_object())
    return Status(Code::kInvalidArgument, "wrong_type", "a row must be a JSON object");
  const json::object& object = value.get_object();
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"text", "label", "id", "source"}));
  service::LearnRow row;
  CTT_ASSIGN_OR_RETURN(row.text, RequiredString(object, "text"));
  CTT_RETURN_IF_ERROR(ParseRowLabel(object, "label", row));
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

Result<std::vector<service::LabelDescription>> ParseLabels(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"labels"}));
  CTT_ASSIGN_OR_RETURN(const json::array* const array, RequiredArray(object, "labels"));
  std::vector<service::LabelDescription> labels;
  for (const json::value& value : *array) {
    Result<service::LabelDescription> label = ParseLabel(value);
    if (!label.ok()) return RowError(label.status(), labels.size() + 1);
    labels.push_back(*std::move(label));
  }
  return labels;
}

Result<EvaluateRequest> ParseEvaluate(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(
      RefuseUnknownKeys(object, {"rows", "examples", "out_of_scope", "adjust_prior"}));
  if (object.contains("rows") && object.contains("examples"))
    return Status(Code::kInvalidArgument, "conflicting_fields",
                  "give 'rows' or 'examples', not both");
  const char* key = object.contains("examples") ? "examples" : "rows";
  CTT_ASSIGN_OR_RETURN(const json::array* const array, RequiredArray(object, key));
  EvaluateRequest request;
  CTT_ASSIGN_OR_RETURN(const auto adjust_prior, OptionalBool(object, "adjust_prior"));
  request.adjust_prior = adjust_prior.value_or(false);
  for (const json::value& value : *array) {
    Result<service::EvaluateRow> row = ParseEvaluateRow(value);
    if (!row.ok()) return RowError(row.status(), request.rows.size() + 1);
    request.rows.push_back(*std::move(row));
  }
  if (const json::value* others = object.if_contains("out_of_scope");
      others != nullptr && !others->is_null()) {
    CTT_ASSIGN_OR_RETURN(request.out_of_scope, Strings(object, "out_of_scope"));
  }
  return request;
}

Result<EvaluateRequest> ParseEvaluateLines(std::string_view body) {
  EvaluateRequest request;
  for (std::size_t number = 1; !body.empty(); ++number) {
    const std::size_t end = std::min(body.find('\n'), body.size());
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Result<json::value> value = ParseJson(line);
    if (!value.ok()) return RowError(value.status(), number);
    Result<service::EvaluateRow> row = ParseEvaluateRow(*value);
    if (!row.ok()) return RowError(row.status(), number);
    request.rows.push_back(*std::move(row));
  }
  return request;
}

Result<SuggestRequest> ParseSuggest(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"texts", "count"}));
  SuggestRequest request;
  CTT_ASSIGN_OR_RETURN(request.texts, RequiredStrings(object, "texts"));
  CTT_ASSIGN_OR_RETURN(const auto count, IntegerIn(object, "count", 1, kSuggestionsMax));
  request.options.count = count.value_or(request.options.count);
  return request;
}

Result<NewTask> ParseNewTask(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(object, {"name", "kind"}));
  NewTask task;
  CTT_ASSIGN_OR_RETURN(task.name, RequiredString(object, "name"));
  CTT_ASSIGN_OR_RETURN(const auto kind, OptionalString(object, "kind"));
  if (kind) {
    CTT_ASSIGN_OR_RETURN(task.kind, service::ParseKind(*kind));
  }
  return task;
}

Result<TaskRequest> ParseTaskRequest(std::string_view body) {
  CTT_ASSIGN_OR_RETURN(const json::object object, ParseObject(body));
  CTT_RETURN_IF_ERROR(RefuseUnknownKeys(
      object, {"name", "out_of_scope_rate", "prior", "groups", "labels", "publishing"}));
  TaskRequest request;
  const bool alone = object.contains("labels") || object.contains("publishing");
  if (alone && object.size() > 1)
    return Status(Code::kInvalidArgument, "conflicting_fields",
                  "'labels' and 'publishing' stand alone");
  if (object.contains("labels")) {
    CTT_ASSIGN_OR_RETURN(const json::object* const labels, RequiredObject(object, "labels"));
    CTT_ASSIGN_OR_RETURN(request.labels, ParseLabelEdit(*labels));
    return request;
  }
  if (object.contains("publishing")) {
    CTT_ASSIGN_OR_RETURN(const json::object* const publishing,
                         RequiredObject(object, "publishing"));
    CTT_ASSIGN_OR_RETURN(request.publishing, ParsePublishing(*publishing));
    return request;
  }
  service::TaskChange& change = request.change;
  CTT_ASSIGN_OR_RETURN(change.name, OptionalString(object, "name"));
  CTT_ASSIGN_OR_RETURN(change.out_of_scope_rate, OptionalNumber(object, "out_of_scope_rate"));
  CTT_ASSIGN_OR_RETURN(const auto prior, OptionalString(object, "prior"));
  if (prior) {
    CTT_ASSIGN_OR_RETURN(change.prior, service::ParsePrior(*prior));
  }
  if (const json::value* groups = object.if_contains("groups");
      groups != nullptr && !groups->is_null()) {
    CTT_ASSIGN_OR_RETURN(change.groups, Strings(object, "groups"));
  }
  if (change.name || change.out_of_scope_rate || change.prior || change.groups) return request;
  return Status(Code::kInvalidArgument, "empty_request", "nothing to change was given");
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
