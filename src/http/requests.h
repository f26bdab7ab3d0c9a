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
#include "service/types.h"

namespace ctt::http {

struct PredictRequest {
  std::string task;
  std::vector<std::string> texts;
  bool single = false;  // It came as "text": the answer is one, not a list.
  service::PredictOptions options;
};
// {text | texts, task_id, options{top_k, version, timeout_ms}}
Result<PredictRequest> ParsePredict(std::string_view body, std::int32_t texts_max);
// {texts, task_id, options}
Result<PredictRequest> ParsePredictBatch(std::string_view body, std::int32_t texts_max);
// {text | texts, top_k, version, timeout_ms}
Result<PredictRequest> ParsePredictTask(std::string task, std::string_view body,
                                        std::int32_t texts_max);

// {examples: [{text, label, id, source}]}, or one such object alone.
Result<std::vector<service::LearnRow>> ParseLearn(std::string_view body);
Result<service::LearnRow> ParseLearnRow(const json::value& value);

// {rows | examples: [{text, label}]}
Result<std::vector<service::EvaluateRow>> ParseEvaluate(std::string_view body);
// One {text, label} a line; errors name the line.
Result<std::vector<service::EvaluateRow>> ParseEvaluateLines(std::string_view body);

Result<std::string> ParseName(std::string_view body);  // {name}

// A change of a task: its name, its labels or how it publishes, one of the three.
struct TaskChange {
  std::string name;
  std::optional<service::LabelEdit> labels;
  std::optional<service::Publishing> publishing;  // Both absent: `name` it is.
};
// {name}, {publishing: {automatic, max_accuracy_fall}}, or {labels: {rename | merge: {label, to}}},
// {labels: {split: {label, to, ids}}}, {labels: {delete: {label}}}
Result<TaskChange> ParseTaskChange(std::string_view body);

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

}  // namespace ctt::http
