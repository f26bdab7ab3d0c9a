#pragma once
// Bodies of requests -> what the service takes. Every unknown field is refused with the nearest
// known name, every wrong type by the name of its field. Pure functions over untrusted bytes.
//
// Errors: kInvalidArgument ("invalid_json", "wrong_type", "missing_field", "unknown_field",
// "out_of_range", "empty_request"), kTooLarge ("too_many_texts"). What the service checks itself
// (lengths, empty texts, names) is left to it.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "service/key_ring.h"
#include "service/types.h"

namespace ctt::http {

struct PredictRequest {
  std::string task;
  std::vector<std::string> texts;
  bool single = false;  // It came as "text": the answer is one, not a list.
  service::PredictOptions options;
};
// {text | texts, task_id, options{top_k, version, timeout_ms, error_rate, threshold, adjust_prior,
// explain, explain_words}}
Result<PredictRequest> ParsePredict(std::string_view body, std::int32_t texts_max);
// {texts, task_id, options}
Result<PredictRequest> ParsePredictBatch(std::string_view body, std::int32_t texts_max);
// {text | texts, top_k, version, timeout_ms, error_rate, threshold, adjust_prior, explain,
// explain_words}
Result<PredictRequest> ParsePredictTask(std::string task, std::string_view body,
                                        std::int32_t texts_max);

struct RouteRequest {
  PredictRequest predict;  // Without a task.
  std::string group;       // Empty: all tasks.
};
// {text | texts, group, options}
Result<RouteRequest> ParseRoute(std::string_view body, std::int32_t texts_max);

// {examples: [{text, label, id, source}]}, or one such object alone; label as row_label.h has it.
Result<std::vector<service::LearnRow>> ParseLearn(std::string_view body);
Result<service::LearnRow> ParseLearnRow(const json::value& value);

// {labels: [{name, description}]}
Result<std::vector<service::LabelDescription>> ParseLabels(std::string_view body);

struct EvaluateRequest {
  std::vector<service::EvaluateRow> rows;
  std::vector<std::string> out_of_scope;  // Texts of no label.
  bool adjust_prior = false;              // As in PredictOptions, over all rows.
};
// {rows | examples: [{text, label}], out_of_scope, adjust_prior}
Result<EvaluateRequest> ParseEvaluate(std::string_view body);
// One {text, label} a line; errors name the line.
Result<EvaluateRequest> ParseEvaluateLines(std::string_view body);

struct SuggestRequest {
  std::vector<std::string> texts;  // Any number that the body holds.
  service::SuggestOptions options;
};
// {texts, count}
Result<SuggestRequest> ParseSuggest(std::string_view body);

struct NewTask {
  std::string name;
  std::optional<learn::TaskKind> kind;
};
Result<NewTask> ParseNewTask(std::string_view body);  // {name, kind}

// A change of a task: its labels, how it publishes, or what else is decided about it.
struct TaskRequest {
  std::optional<service::LabelEdit> labels;
  std::optional<service::Publishing> publishing;
  service::TaskChange change;  // When both are absent.
};
// {name, out_of_scope_rate, prior, groups}, at least one of them; or alone: {publishing:
// {automatic, max_accuracy_fall}}, {labels: {rename | merge: {label, to}}}, {labels: {split:
// {label, to, ids}}}, {labels: {delete: {label}}}
Result<TaskRequest> ParseTaskRequest(std::string_view body);

// What to unlearn: {ids}, or {filter: {label, source, since, before}}, times in RFC 3339.
struct UnlearnRequest {
  std::vector<std::string> ids;
  std::optional<service::ExampleFilter> filter;  // Absent: `ids` it is.
};
Result<UnlearnRequest> ParseUnlearn(std::string_view body);
// {version, share}; a version is a number or an alias's name.
Result<service::AliasChange> ParseAliasChange(std::string alias, std::string_view body);
// The version that If-Match wants: "7" in quotes; "0" for none. kInvalidArgument ("bad_if_match").
Result<std::optional<std::int64_t>> ParseIfMatch(const std::optional<std::string>& header);
// {name, scopes, tasks, requests_per_second, requests_per_day}
Result<service::NewKey> ParseNewKey(std::string_view body);

}  // namespace ctt::http
