#include "http/answers.h"

#include "base/rfc3339.h"
#include "http/row_label.h"
#include "service/task_settings.h"

namespace ctt::http {
namespace {

using service::TextAnswer;

void AppendExplanation(JsonWriter& json, const service::Explanation& explanation) {
  json.Key("explanation").BeginObject().Key("nearest").BeginArray();
  for (const service::NearExample& example : explanation.nearest) {
    json.BeginObject().Field("id", example.id).Optional("text", example.text);
    AppendRowLabel(json, example);
    json.Field("distance", example.distance).EndObject();
  }
  json.EndArray();
  if (!explanation.ngrams.empty()) {
    json.Key("ngrams").BeginArray();
    for (const service::NGramEffect& row : explanation.ngrams) {
      json.BeginObject()
          .Field("ngram", row.ngram)
          .Field("kind", row.is_characters ? "characters" : "words")
          .Field("weight", row.weight)
          .EndObject();
    }
    json.EndArray();
  }
  if (!explanation.words.empty()) {
    json.Key("words").BeginArray();
    for (const service::WordWeight& word : explanation.words) {
      json.BeginObject().Field("word", word.word).Field("weight", word.weight).EndObject();
    }
    json.EndArray();
  }
  json.EndObject();
}

// What a regression task answers: the number as an example's 'label' would give it, and its
// interval.
void AppendNumber(JsonWriter& json, const TextAnswer& text) {
  json.Field("label", *text.number).Key("interval");
  if (!text.interval) {
    json.Null();
    return;
  }
  json.BeginObject()
      .Field("low", text.interval->low)
      .Field("high", text.interval->high)
      .Field("error_rate", text.interval->error_rate)
      .EndObject();
}

void AppendSides(JsonWriter& json, const TextAnswer& text) {
  json.Key("predictions").BeginArray();
  for (const auto& row : text.ranked) json.String(row.label);
  json.EndArray().Key("probabilities").BeginArray();
  for (const auto& row : text.ranked) json.Number(row.probability);
  json.EndArray();
  if (text.number) {
    json.Key("confidence").Null().Field("in_scope", text.in_scope);
    AppendNumber(json, text);
  } else if (text.holds) {
    // That of the decision that is least sure.
    json.Field("confidence", (1 + text.margin) / 2).Field("in_scope", text.in_scope);
    json.Field("margin", text.margin);
    json.Key("label").Strings(*text.holds);
  } else {
    json.Field("confidence", text.ranked.front().probability)
        .Field("in_scope", text.in_scope)
        .Field("margin", text.margin);
  }
  if (text.set) json.Key("set").Strings(*text.set);
  if (text.explanation) AppendExplanation(json, *text.explanation);
}

void AppendPrior(JsonWriter& json, const std::vector<service::LabelScore>& shares) {
  if (shares.empty()) return;
  json.Key("estimated_prior").BeginObject();
  for (const service::LabelScore& row : shares) json.Field(row.label, row.probability);
  json.EndObject();
}

// One text as the tasks' own route answers it.
void AppendAnswer(JsonWriter& json, const TextAnswer& text) {
  json.BeginObject();
  if (text.number) {
    AppendNumber(json, text);
  } else if (text.holds) {
    json.Key("label").Strings(*text.holds);
  } else {
    json.Field("label", text.ranked.front().label)
        .Field("probability", text.ranked.front().probability);
  }
  json.Field("in_scope", text.in_scope);
  if (!text.number) json.Field("margin", text.margin);
  json.Field("truncated", text.truncated);
  if (!text.number) {
    json.Key("labels").BeginArray();
    for (const auto& row : text.ranked) {
      json.BeginObject().Field("label", row.label).Field("probability", row.probability);
      json.EndObject();
    }
    json.EndArray();
  }
  if (text.set) json.Key("set").Strings(*text.set);
  if (text.explanation) AppendExplanation(json, *text.explanation);
  json.EndObject();
}

void AppendTime(JsonWriter& json, std::string_view name, std::int64_t unix_us) {
  if (unix_us == 0) {
    json.Key(name).Null();
  } else {
    json.Field(name, Rfc3339(unix_us));
  }
}

void AppendOptional(JsonWriter& json, std::string_view name, const std::string& text) {
  if (text.empty()) {
    json.Key(name).Null();
  } else {
    json.Field(name, text);
  }
}

void AppendTaskMembers(JsonWriter& json, const service::TaskInfo& task) {
  AppendOptional(json, "kind", task.kind ? std::string(TaskKindName(*task.kind)) : std::string());
  json.Field("examples", task.examples)
      .Field("classes", static_cast<std::int64_t>(task.labels.size()))
      .Field("head_version", task.head_version)
      .Field("settled", task.settled);
  AppendOptional(json, "head", task.head);
  AppendOptional(json, "block", task.block);
  AppendOptional(json, "head_digest", task.head_digest);
  AppendTime(json, "created_at", task.created_us);
  AppendTime(json, "updated_at", task.updated_us);
  json.Field("out_of_scope_rate", task.settings.out_of_scope_rate)
      .Field("prior", service::PriorName(task.settings.prior));
  json.Key("groups").Strings(task.settings.groups);
}

void AppendAlias(JsonWriter& json, const service::AliasInfo& alias) {
  json.BeginObject().Field("alias", alias.name).Field("version", alias.version);
  if (alias.share > 0) json.Field("share", alias.share);
  json.EndObject();
}

void AppendExample(JsonWriter& json, const service::ExampleInfo& example) {
  json.BeginObject().Field("id", example.id).Key("text");
  if (example.text) {
    json.String(*example.text);
  } else {
    json.Null();
  }
  AppendRowLabel(json, example);
  AppendOptional(json, "source", example.source);
  AppendTime(json, "created_at", example.time_us);
  json.EndObject();
}

}  // namespace

std::string PredictJson(const service::PredictAnswer& answer, bool single,
                        double processing_time_ms) {
  JsonWriter json;
  json.BeginObject();
  if (single) {
    AppendSides(json, answer.texts.front());
  } else {
    json.Key("results").BeginArray();
    for (const TextAnswer& text : answer.texts) {
      json.BeginObject();
      AppendSides(json, text);
      json.EndObject();
    }
    json.EndArray();
  }
  AppendPrior(json, answer.estimated_prior);
  json.Field("task_id", answer.task)
      .Field("head_version", answer.head_version)
      .Field("processing_time_ms", processing_time_ms)
      .EndObject();
  return std::move(json).Take();
}

std::string TaskPredictJson(const service::PredictAnswer& answer) {
  JsonWriter json;
  json.BeginObject()
      .Field("task", answer.task)
      .Field("head_version", answer.head_version)
      .Key("results")
      .BeginArray();
  for (const TextAnswer& text : answer.texts) AppendAnswer(json, text);
  json.EndArray();
  AppendPrior(json, answer.estimated_prior);
  json.EndObject();
  return std::move(json).Take();
}

std::string RouteJson(const service::RouteAnswer& answer) {
  JsonWriter json;
  json.BeginObject().Field("router", answer.router).Key("results").BeginArray();
  for (const service::RoutedText& text : answer.texts) {
    json.BeginObject()
        .Field("task", text.tasks.front().label)
        .Field("confidence", text.tasks.front().probability)
        .Field("in_scope", text.in_scope)
        .Field("head_version", text.head_version)
        .Key("tasks")
        .BeginArray();
    for (const auto& row : text.tasks) {
      json.BeginObject().Field("task", row.label).Field("probability", row.probability);
      json.EndObject();
    }
    json.EndArray().Key("answer");
    AppendAnswer(json, text.answer);
    json.EndObject();
  }
  json.EndArray().EndObject();
  return std::move(json).Take();
}

std::string LearnJson(const service::LearnAnswer& answer) {
  JsonWriter json;
  json.BeginObject()
      .Field("task", answer.task)
      .Field("created", answer.created)
      .Field("accepted", answer.accepted)
      .Field("examples", answer.examples)
      .Field("classes", answer.classes)
      .Field("head_version", answer.head_version);
  json.Key("ids").Strings(answer.ids);
  json.EndObject();
  return std::move(json).Take();
}

std::string UnlearnJson(const service::UnlearnAnswer& answer) {
  JsonWriter json;
  json.BeginObject().Field("task", answer.task);
  json.Key("ids").Strings(answer.ids);
  json.Key("missing").Strings(answer.missing);
  json.Field("statistics_before", answer.statistics_before)
      .Field("statistics_after", answer.statistics_after)
      .Field("examples", answer.examples)
      .Field("head_version", answer.head_version)
      .EndObject();
  return std::move(json).Take();
}

std::string BackupJson(const service::BackupAnswer& answer) {
  JsonWriter json;
  json.BeginObject()
      .Field("folder", answer.folder)
      .Field("database", answer.database)
      .Field("database_bytes", answer.database_bytes)
      .Field("artifacts", answer.artifacts)
      .Field("artifacts_copied", answer.artifacts_copied)
      .EndObject();
  return std::move(json).Take();
}

std::string PurgeJson(const service::PurgeAnswer& answer) {
  JsonWriter json;
  json.BeginObject()
      .Field("task", answer.task)
      .Field("examples", answer.examples)
      .Field("artifacts", answer.artifacts)
      .EndObject();
  return std::move(json).Take();
}

std::string VerifyJson(const service::VerifyAnswer& answer) {
  JsonWriter json;
  json.BeginObject()
      .Field("task", answer.task)
      .Field("ok", answer.ok())
      .Field("examples", answer.examples)
      .Field("statistics", answer.statistics)
      .Field("statistics_log", answer.statistics_log)
      .Field("head_version", answer.head_version);
  AppendOptional(json, "head_digest", answer.head_digest);
  AppendOptional(json, "head_digest_log", answer.head_digest_log);
  json.EndObject();
  return std::move(json).Take();
}

std::string_view RowStateName(service::RowState state) {
  switch (state) {
    case service::RowState::kLearned:
      return "learned";
    case service::RowState::kReplaced:
      return "replaced";
    case service::RowState::kUnchanged:
      return "unchanged";
  }
  return "learned";
}

std::string TaskJson(const service::TaskInfo& task) {
  JsonWriter json;
  json.BeginObject().Field("name", task.name);
  AppendTaskMembers(json, task);
  json.Key("labels").BeginArray();
  for (const auto& label : task.labels) {
    json.BeginObject().Field("name", label.name).Field("examples", label.examples).EndObject();
  }
  json.EndArray().Key("aliases").BeginArray();
  for (const service::AliasInfo& alias : task.aliases) AppendAlias(json, alias);
  json.EndArray().Key("publishing").BeginObject();
  json.Field("automatic", task.settings.auto_publish).Key("max_accuracy_fall");
  if (task.settings.max_accuracy_fall) {
    json.Number(*task.settings.max_accuracy_fall);
  } else {
    json.Null();
  }
  json.EndObject().EndObject();
  return std::move(json).Take();
}

std::string AliasJson(const service::AliasInfo& alias) {
  JsonWriter json;
  AppendAlias(json, alias);
  return std::move(json).Take();
}

std::string TaskListJson(const std::vector<service::TaskInfo>& tasks) {
  JsonWriter json;
  json.BeginObject().Key("tasks").BeginArray();
  for (const service::TaskInfo& task : tasks) {
    json.BeginObject().Field("name", task.name);
    AppendTaskMembers(json, task);
    json.EndObject();
  }
  json.EndArray().EndObject();
  return std::move(json).Take();
}

std::string TaskIdsJson(const std::vector<service::TaskInfo>& tasks) {
  JsonWriter json;
  json.BeginObject().Key("tasks").BeginArray();
  for (const service::TaskInfo& task : tasks) {
    json.BeginObject()
        .Field("task_id", task.name)
        .Field("examples", task.examples)
        .Field("head_version", task.head_version)
        .Key("labels")
        .BeginArray();
    for (const auto& label : task.labels) json.String(label.name);
    json.EndArray().EndObject();
  }
  json.EndArray().EndObject();
  return std::move(json).Take();
}

std::string VersionsJson(const std::string& task,
                         const std::vector<service::VersionInfo>& versions) {
  JsonWriter json;
  json.BeginObject().Field("task", task).Key("versions").BeginArray();
  for (const service::VersionInfo& version : versions) {
    json.BeginObject().Field("version", version.number).Field("live", version.live);
    json.Key("aliases").Strings(version.aliases);
    json.Field("settled", version.settled).Field("examples", version.examples);
    AppendOptional(json, "head_digest", version.head_digest);
    json.Key("report").Raw(version.report.empty() ? "null" : version.report);
    AppendTime(json, "created_at", version.created_us);
    json.EndObject();
  }
  json.EndArray().EndObject();
  return std::move(json).Take();
}

std::string LabelsJson(const std::string& task, const std::vector<service::LabelInfo>& labels) {
  JsonWriter json;
  json.BeginObject().Field("task", task).Key("labels").BeginArray();
  for (const service::LabelInfo& label : labels) {
    json.BeginObject().Field("name", label.name).Field("examples", label.examples);
    AppendOptional(json, "description", label.description.value_or(""));
    json.EndObject();
  }
  json.EndArray().EndObject();
  return std::move(json).Take();
}

std::string ExampleJson(const service::ExampleInfo& example) {
  JsonWriter json;
  AppendExample(json, example);
  return std::move(json).Take();
}

std::string ExamplePageJson(const service::ExampleInfoPage& page) {
  JsonWriter json;
  json.BeginObject().Key("examples").BeginArray();
  for (const service::ExampleInfo& example : page.examples) AppendExample(json, example);
  json.EndArray().Key("next_after");
  if (page.next_after == 0) {
    json.Null();
  } else {
    json.Integer(page.next_after);
  }
  json.EndObject();
  return std::move(json).Take();
}

std::string ModelJson(const service::ModelInfo& model, std::string_view version) {
  JsonWriter json;
  json.BeginObject()
      .Field("name", model.name)
      .Field("encoder_id", model.encoder_id)
      .Field("engine", model.engine)
      .Field("isa", model.isa)
      .Field("isa_fell_back", model.isa_fell_back)
      .Field("hidden_size", model.hidden_size)
      .Field("layers", model.layers)
      .Field("feature_dim", model.feature_dim)
      .Field("vocabulary_size", model.vocabulary_size)
      .Field("tokens_max", model.tokens_max)
      .Field("threads", model.threads)
      .Field("version", version)
      .EndObject();
  return std::move(json).Take();
}

}  // namespace ctt::http
