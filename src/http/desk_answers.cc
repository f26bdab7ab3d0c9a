#include "http/desk_answers.h"

#include "base/json_writer.h"

namespace ctt::http {
namespace {

using service::AuditAnswer;
using service::AuditedExample;

void AppendExample(JsonWriter& json, const AuditedExample& example) {
  json.Field("id", example.id).Optional("text", example.text).Field("label", example.label);
}

void AppendSuspects(JsonWriter& json, const AuditAnswer& audit) {
  json.Key("suspects").BeginArray();
  for (const learn::Suspect& suspect : audit.found.suspects) {
    json.BeginObject();
    AppendExample(json, audit.example(suspect.row));
    json.Field("probability", suspect.probability)
        .Field("log_loss", suspect.log_loss)
        .Field("suggested", suspect.suggested)
        .Field("suggested_probability", suspect.suggested_probability)
        .EndObject();
  }
  json.EndArray();
}

void AppendConflicts(JsonWriter& json, const AuditAnswer& audit) {
  json.Key("conflicts").BeginArray();
  for (const learn::Conflict& conflict : audit.found.conflicts) {
    json.BeginObject().Field("distance", conflict.distance).Key("examples").BeginArray();
    for (const std::int64_t row : {conflict.first, conflict.second}) {
      json.BeginObject();
      AppendExample(json, audit.example(row));
      json.EndObject();
    }
    json.EndArray().EndObject();
  }
  json.EndArray();
}

void AppendDuplicates(JsonWriter& json, const AuditAnswer& audit) {
  json.Field("duplicate_examples", audit.found.duplicate_rows).Key("duplicates").BeginArray();
  for (const auto& group : audit.found.duplicates) {
    json.BeginObject().Field("label", audit.example(group.front()).label).Key("ids").BeginArray();
    for (const std::int64_t row : group) json.String(audit.example(row).id);
    json.EndArray().EndObject();
  }
  json.EndArray();
}

void AppendConfused(JsonWriter& json, const learn::Audit& audit) {
  json.Key("confused_labels").BeginArray();
  for (const learn::ConfusedLabels& pair : audit.confused) {
    json.BeginObject()
        .Field("first", pair.first)
        .Field("second", pair.second)
        .Field("first_as_second", pair.first_as_second)
        .Field("second_as_first", pair.second_as_first)
        .Field("merge_gain", pair.merge_gain)
        .EndObject();
  }
  json.EndArray();
}

void AppendCurve(JsonWriter& json, std::string_view name,
                 const std::vector<learn::CurvePoint>& points) {
  json.Key(name).BeginArray();
  for (const learn::CurvePoint& point : points) {
    json.BeginObject().Field("examples", point.examples).Field("accuracy", point.accuracy);
    json.EndObject();
  }
  json.EndArray();
}

}  // namespace

std::string AuditJson(const AuditAnswer& audit) {
  JsonWriter json;
  json.BeginObject()
      .Field("task", audit.task)
      .Field("examples", audit.found.examples)
      .Field("judged", audit.found.judged)
      .Field("accuracy", audit.found.accuracy)
      .Field("log_loss", audit.found.log_loss);
  AppendSuspects(json, audit);
  AppendConflicts(json, audit);
  AppendDuplicates(json, audit);
  AppendConfused(json, audit.found);
  AppendCurve(json, "learning_curve", audit.found.curve);
  AppendCurve(json, "forecast", audit.found.forecast);
  json.EndObject();
  return std::move(json).Take();
}

namespace {

// The value of 'label', and what goes with it.
void AppendSaid(JsonWriter& json, const service::TextAnswer& answer) {
  if (answer.number) {
    json.Number(*answer.number);
  } else if (answer.holds) {
    json.Strings(*answer.holds);
  } else {
    json.String(answer.ranked.front().label)
        .Field("probability", answer.ranked.front().probability);
  }
}

}  // namespace

std::string SuggestJson(const std::string& task, const std::vector<std::string>& texts,
                        const std::vector<service::Suggestion>& suggestions) {
  JsonWriter json;
  json.BeginObject().Field("task", task).Key("suggestions").BeginArray();
  for (const service::Suggestion& suggestion : suggestions) {
    json.BeginObject()
        .Field("index", suggestion.index)
        .Field("text", texts[static_cast<std::size_t>(suggestion.index)])
        .Key("label");
    AppendSaid(json, suggestion.answer);
    json.Field("margin", suggestion.answer.margin)
        .Field("in_scope", suggestion.answer.in_scope)
        .EndObject();
  }
  json.EndArray().EndObject();
  return std::move(json).Take();
}

}  // namespace ctt::http
