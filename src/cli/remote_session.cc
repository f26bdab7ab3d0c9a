#include "cli/remote_session.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "base/json.h"
#include "base/json_writer.h"
#include "base/rfc3339.h"
#include "cli/http_client.h"
#include "http/row_label.h"
#include "service/task_settings.h"

namespace ctt::cli {
namespace {

constexpr std::size_t kTextsPerCall = 100;  // The server's default limit.
constexpr std::int64_t kEvaluateMs = 3'600'000;
constexpr auto kSettlePoll = std::chrono::milliseconds(100);
constexpr int kSettlePollsMax = 6000;

// Members of an answer of the server; absent or of another kind: the empty value.
std::string Text(const json::object& object, std::string_view key) {
  const auto value = OptionalString(object, key);
  return value.ok() ? value->value_or("") : "";
}
std::int64_t Integer(const json::object& object, std::string_view key) {
  const auto value = OptionalInteger(object, key);
  return value.ok() ? value->value_or(0) : 0;
}
double Number(const json::object& object, std::string_view key) {
  const auto value = OptionalNumber(object, key);
  return value.ok() ? value->value_or(0) : 0;
}
bool Flag(const json::object& object, std::string_view key) {
  const auto value = OptionalBool(object, key);
  return value.ok() && value->value_or(false);
}
const json::array& List(const json::object& object, std::string_view key) {
  static const json::array kEmpty;
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_array() ? value->get_array() : kEmpty;
}
std::vector<std::string> Strings(const json::object& object, std::string_view key) {
  std::vector<std::string> strings;
  for (const json::value& item : List(object, key))
    if (item.is_string()) strings.emplace_back(item.get_string());
  return strings;
}

service::TaskInfo ParseTask(const json::object& object) {
  service::TaskInfo task;
  task.name = Text(object, "name");
  task.kind = learn::ParseTaskKind(Text(object, "kind"));
  task.examples = Integer(object, "examples");
  for (const json::value& label : List(object, "labels"))
    if (label.is_object())
      task.labels.push_back(
          {Text(label.get_object(), "name"), Integer(label.get_object(), "examples")});
  task.head_version = Integer(object, "head_version");
  task.settled = Flag(object, "settled");
  task.head = Text(object, "head");
  task.block = Text(object, "block");
  task.head_digest = Text(object, "head_digest");
  task.settings.out_of_scope_rate = Number(object, "out_of_scope_rate");
  const auto prior = service::ParsePrior(Text(object, "prior"));
  if (prior.ok()) task.settings.prior = *prior;
  task.settings.groups = Strings(object, "groups");
  for (const json::value& alias : List(object, "aliases"))
    if (alias.is_object())
      task.aliases.push_back({Text(alias.get_object(), "alias"),
                              Integer(alias.get_object(), "version"),
                              Number(alias.get_object(), "share")});
  if (const json::value* found = object.if_contains("publishing");
      found != nullptr && found->is_object()) {
    const json::object& publishing = found->get_object();
    task.settings.auto_publish = Flag(publishing, "automatic");
    const auto fall = OptionalNumber(publishing, "max_accuracy_fall");
    if (fall.ok()) task.settings.max_accuracy_fall = *fall;
  }
  return task;
}

service::Explanation ParseExplanation(const json::object& object) {
  service::Explanation explanation;
  for (const json::value& row : List(object, "nearest")) {
    if (!row.is_object()) continue;
    const json::object& near = row.get_object();
    const auto text = OptionalString(near, "text");
    service::NearExample& example = explanation.nearest.emplace_back();
    example.id = Text(near, "id");
    if (text.ok()) example.text = *text;
    example.distance = Number(near, "distance");
    // An answer of the server: what is no label of any kind leaves the empty one.
    (void)http::ParseRowLabel(near, "label", example);
  }
  for (const json::value& row : List(object, "ngrams"))
    if (row.is_object())
      explanation.ngrams.push_back({Text(row.get_object(), "ngram"),
                                    Text(row.get_object(), "kind") == "characters",
                                    Number(row.get_object(), "weight")});
  for (const json::value& row : List(object, "words"))
    if (row.is_object())
      explanation.words.push_back(
          {Text(row.get_object(), "word"), Number(row.get_object(), "weight")});
  return explanation;
}

void AppendVersion(JsonWriter& body, const std::optional<std::int64_t>& version,
                   const std::string& alias) {
  if (version) body.Field("version", *version);
  if (!version && !alias.empty()) body.Field("version", alias);
}

service::TextAnswer ParseTextAnswer(const json::object& object) {
  service::TextAnswer answer;
  answer.in_scope = Flag(object, "in_scope");
  answer.margin = Number(object, "margin");
  answer.truncated = Flag(object, "truncated");
  if (object.contains("set")) answer.set = Strings(object, "set");
  if (const json::value* label = object.if_contains("label"); label != nullptr) {
    if (label->is_array()) answer.holds = Strings(object, "label");
    if (label->is_number()) answer.number = label->to_number<double>();
  }
  if (const json::value* interval = object.if_contains("interval");
      interval != nullptr && interval->is_object()) {
    const json::object& ends = interval->get_object();
    answer.interval = {Number(ends, "low"), Number(ends, "high"), Number(ends, "error_rate")};
  }
  if (const json::value* explanation = object.if_contains("explanation");
      explanation != nullptr && explanation->is_object())
    answer.explanation = ParseExplanation(explanation->get_object());
  for (const json::value& score : List(object, "labels"))
    if (score.is_object())
      answer.ranked.push_back(
          {Text(score.get_object(), "label"), Number(score.get_object(), "probability")});
  return answer;
}

bool SaysNothing(const service::TextAnswer& answer) {
  return answer.ranked.empty() && !answer.holds && !answer.number;
}

service::RoutedText ParseRouted(const json::object& object) {
  service::RoutedText text;
  for (const json::value& row : List(object, "tasks"))
    if (row.is_object())
      text.tasks.push_back(
          {Text(row.get_object(), "task"), Number(row.get_object(), "probability")});
  text.in_scope = Flag(object, "in_scope");
  text.head_version = Integer(object, "head_version");
  if (const json::value* answer = object.if_contains("answer");
      answer != nullptr && answer->is_object())
    text.answer = ParseTextAnswer(answer->get_object());
  return text;
}

service::LearnAnswer ParseLearned(const std::string& task, const json::object& object) {
  service::LearnAnswer answer;
  answer.task = task;
  answer.created = Flag(object, "created");
  answer.ids = Strings(object, "ids");
  answer.accepted = Integer(object, "accepted");
  answer.examples = Integer(object, "examples");
  answer.classes = Integer(object, "classes");
  answer.head_version = Integer(object, "head_version");
  return answer;
}

service::VersionInfo ParseVersion(const json::object& object) {
  service::VersionInfo version;
  version.number = Integer(object, "version");
  version.live = Flag(object, "live");
  version.aliases = Strings(object, "aliases");
  version.settled = Flag(object, "settled");
  version.examples = Integer(object, "examples");
  version.head_digest = Text(object, "head_digest");
  if (const json::value* report = object.if_contains("report"))
    version.report = json::serialize(*report);
  return version;
}

std::string ExamplesJson(const std::vector<service::LearnRow>& rows) {
  JsonWriter out;
  out.BeginObject().Key("examples").BeginArray();
  for (const service::LearnRow& row : rows) {
    out.BeginObject().Field("text", row.text);
    http::AppendRowLabel(out, row);
    if (!row.id.empty()) out.Field("id", row.id);
    if (!row.source.empty()) out.Field("source", row.source);
    out.EndObject();
  }
  out.EndArray().EndObject();
  return std::move(out).Take();
}

void AppendStrings(JsonWriter& out, std::string_view key, const std::vector<std::string>& strings) {
  out.Key(key).BeginArray();
  for (const std::string& text : strings) out.String(text);
  out.EndArray();
}

void AppendOptions(JsonWriter& out, const service::PredictOptions& options) {
  out.Field("top_k", options.top_k);
  if (options.error_rate) out.Field("error_rate", *options.error_rate);
  if (options.threshold) out.Field("threshold", *options.threshold);
  if (options.explain) out.Field("explain", true);
  if (options.explain_words) out.Field("explain_words", true);
  AppendVersion(out, options.version, options.alias);
  if (!options.key.empty()) out.Field("key", options.key);
}

std::string StringsJson(std::string_view key, const std::vector<std::string>& strings) {
  JsonWriter out;
  out.BeginObject();
  AppendStrings(out, key, strings);
  out.EndObject();
  return std::move(out).Take();
}

Result<service::LearnRow> ParseExample(const json::value& example) {
  if (!example.is_object()) return Internal("the server's answer has no example object");
  const json::object& object = example.get_object();
  service::LearnRow row;
  row.text = Text(object, "text");
  row.id = Text(object, "id");
  row.source = Text(object, "source");
  CTT_RETURN_IF_ERROR(http::ParseRowLabel(object, "label", row));
  return row;
}

class RemoteSession final : public Session {
 public:
  explicit RemoteSession(HttpClient client) : client_(std::move(client)) {}

  LearnFuture Learn(const std::string& task, std::vector<service::LearnRow> rows) override {
    return std::async(std::launch::async,
                      [this, task, rows = std::move(rows)] { return LearnRows(task, rows); });
  }

  LearnFuture LearnEncoded(const std::string& task,
                           std::vector<service::EncodedRow> rows) override {
    std::vector<service::LearnRow> said;
    for (service::EncodedRow& row : rows) said.push_back(std::move(row.row));
    return Learn(task, std::move(said));
  }

  Status Export(const std::string& task,
                const std::function<Status(const service::TaskExport&)>& begin,
                const std::function<Status(service::EncodedRow row)>& visit) override {
    CTT_ASSIGN_OR_RETURN(const service::ModelInfo model, Model());
    CTT_ASSIGN_OR_RETURN(const service::TaskInfo info, ShowTask(task));
    CTT_ASSIGN_OR_RETURN(const service::VerifyAnswer sums, Verify(task));
    CTT_RETURN_IF_ERROR(
        begin({model.encoder_id, sums.statistics, info.head_digest, info.settings}));
    for (std::int64_t after = 0;;) {
      CTT_ASSIGN_OR_RETURN(
          const json::object page,
          Ask("GET", Path(task) + "/examples?limit=1000&after=" + std::to_string(after)));
      for (const json::value& example : List(page, "examples")) {
        CTT_ASSIGN_OR_RETURN(service::LearnRow row, ParseExample(example));
        CTT_RETURN_IF_ERROR(visit({std::move(row), {}}));
      }
      after = Integer(page, "next_after");
      if (after == 0) break;
    }
    CTT_ASSIGN_OR_RETURN(const service::VerifyAnswer now, Verify(task));
    if (now.statistics == sums.statistics) return Status::Ok();
    return {Code::kUnavailable, "task_changed",
            "'" + task + "' learned something while it was exported; try again"};
  }

  Result<service::LearnAnswer> DescribeLabels(
      const std::string& task, const std::vector<service::LabelDescription>& labels) override {
    JsonWriter body;
    body.BeginObject().Key("labels").BeginArray();
    for (const service::LabelDescription& label : labels) {
      body.BeginObject().Field("name", label.name);
      if (label.description) body.Field("description", *label.description);
      body.EndObject();
    }
    body.EndArray().EndObject();
    CTT_ASSIGN_OR_RETURN(const json::object object,
                         Ask("POST", Path(task) + "/labels", body.json()));
    return ParseLearned(task, object);
  }

  Result<std::vector<service::LabelInfo>> Labels(const std::string& task) override {
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("GET", Path(task) + "/labels"));
    std::vector<service::LabelInfo> labels;
    for (const json::value& row : List(object, "labels")) {
      if (!row.is_object()) continue;
      const auto description = OptionalString(row.get_object(), "description");
      labels.push_back({Text(row.get_object(), "name"), Integer(row.get_object(), "examples"),
                        description.ok() ? *description : std::nullopt});
    }
    return labels;
  }

  Result<service::TaskInfo> Settle(const std::string& task) override {
    for (int poll = 0; poll < kSettlePollsMax; ++poll) {
      CTT_ASSIGN_OR_RETURN(service::TaskInfo info, ShowTask(task));
      if (info.settled) return info;
      std::this_thread::sleep_for(kSettlePoll);
    }
    return Status(Code::kDeadlineExceeded, "the server has not settled '" + task + "' in time");
  }

  Result<service::UnlearnAnswer> Unlearn(const std::string& task,
                                         std::vector<std::string> ids) override {
    return AskToUnlearn(task, StringsJson("ids", ids));
  }

  Result<service::UnlearnAnswer> UnlearnWhere(const std::string& task,
                                              const service::ExampleFilter& filter) override {
    JsonWriter body;
    body.BeginObject().Key("filter").BeginObject();
    if (filter.label) body.Field("label", *filter.label);
    if (filter.source) body.Field("source", *filter.source);
    if (filter.since_us) body.Field("since", Rfc3339(*filter.since_us));
    if (filter.before_us) body.Field("before", Rfc3339(*filter.before_us));
    body.EndObject().EndObject();
    return AskToUnlearn(task, body.json());
  }

  Result<service::PurgeAnswer> Purge(const std::string& task) override {
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("POST", Path(task) + "/purge"));
    return service::PurgeAnswer{task, Integer(object, "examples"), Integer(object, "artifacts")};
  }

  Result<service::VerifyAnswer> Verify(const std::string& task) override {
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("POST", Path(task) + "/verify"));
    service::VerifyAnswer answer;
    answer.task = task;
    answer.examples = Integer(object, "examples");
    answer.statistics = Text(object, "statistics");
    answer.statistics_log = Text(object, "statistics_log");
    answer.head_version = Integer(object, "head_version");
    answer.head_digest = Text(object, "head_digest");
    answer.head_digest_log = Text(object, "head_digest_log");
    return answer;
  }

  Result<service::PredictAnswer> Predict(const std::string& task, std::vector<std::string> texts,
                                         const service::PredictOptions& options) override {
    service::PredictAnswer answer;
    for (std::size_t i = 0; i < texts.size(); i += kTextsPerCall) {
      const std::size_t end = std::min(i + kTextsPerCall, texts.size());
      CTT_RETURN_IF_ERROR(
          PredictSome(task, {texts.begin() + i, texts.begin() + end}, options, answer));
    }
    return answer;
  }

  Result<service::RouteAnswer> Route(std::vector<std::string> texts, const std::string& group,
                                     const service::PredictOptions& options) override {
    service::RouteAnswer answer;
    for (std::size_t i = 0; i < texts.size(); i += kTextsPerCall) {
      const std::size_t end = std::min(i + kTextsPerCall, texts.size());
      CTT_RETURN_IF_ERROR(
          RouteSome({texts.begin() + i, texts.begin() + end}, group, options, answer));
    }
    return answer;
  }

  Result<std::string> Evaluate(const std::string& task,
                               const std::vector<service::EvaluateRow>& rows,
                               const std::vector<std::string>& out_of_scope,
                               bool adjust_prior) override {
    JsonWriter body;
    body.BeginObject().Key("rows").BeginArray();
    for (const service::EvaluateRow& row : rows) {
      body.BeginObject().Field("text", row.text);
      http::AppendRowLabel(body, row);
      body.EndObject();
    }
    body.EndArray();
    if (!out_of_scope.empty()) AppendStrings(body, "out_of_scope", out_of_scope);
    if (adjust_prior) body.Field("adjust_prior", true);
    body.EndObject();
    CTT_ASSIGN_OR_RETURN(HttpAnswer answer,
                         client_.Call("POST", Path(task) + "/evaluate", body.json(),
                                      "application/json", kEvaluateMs));
    if (answer.status != 200) return Problem(answer);
    return std::move(answer.body);
  }

  Result<json::object> Audit(const std::string& task, std::int64_t shown_max) override {
    return Ask("GET", Path(task) + "/audit?limit=" + std::to_string(shown_max));
  }

  Result<json::object> Suggest(const std::string& task, const std::vector<std::string>& texts,
                               const service::SuggestOptions& options) override {
    JsonWriter body;
    body.BeginObject().Field("count", options.count);
    AppendStrings(body, "texts", texts);
    body.EndObject();
    return Ask("POST", Path(task) + "/suggest", body.json());
  }

  Result<std::vector<service::TaskInfo>> ListTasks() override {
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("GET", "/v1/tasks"));
    std::vector<service::TaskInfo> tasks;
    for (const json::value& task : List(object, "tasks"))
      if (task.is_object()) tasks.push_back(ParseTask(task.get_object()));
    return tasks;
  }

  Result<service::TaskInfo> ShowTask(const std::string& task) override {
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("GET", Path(task)));
    return ParseTask(object);
  }

  Result<service::TaskInfo> ChangeTask(const std::string& task,
                                       const service::TaskChange& change) override {
    JsonWriter body;
    body.BeginObject();
    if (change.name) body.Field("name", *change.name);
    if (change.out_of_scope_rate) body.Field("out_of_scope_rate", *change.out_of_scope_rate);
    if (change.prior) body.Field("prior", service::PriorName(*change.prior));
    if (change.groups) AppendStrings(body, "groups", *change.groups);
    body.EndObject();
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("PATCH", Path(task), body.json()));
    return ParseTask(object);
  }

  Status DeleteTask(const std::string& task) override { return Ask("DELETE", Path(task)).status(); }

  Result<service::TaskInfo> EditLabels(const std::string& task,
                                       const service::LabelEdit& edit) override {
    JsonWriter body;
    body.BeginObject().Key("labels").BeginObject().Key(LabelEditName(edit.kind)).BeginObject();
    body.Field("label", edit.label);
    if (!edit.to.empty()) body.Field("to", edit.to);
    if (!edit.ids.empty()) {
      body.Key("ids").BeginArray();
      for (const std::string& id : edit.ids) body.String(id);
      body.EndArray();
    }
    body.EndObject().EndObject().EndObject();
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("PATCH", Path(task), body.json()));
    return ParseTask(object);
  }

  Result<std::vector<service::VersionInfo>> Versions(const std::string& task) override {
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("GET", Path(task) + "/versions"));
    std::vector<service::VersionInfo> versions;
    for (const json::value& version : List(object, "versions"))
      if (version.is_object()) versions.push_back(ParseVersion(version.get_object()));
    return versions;
  }

  Result<service::TaskInfo> SetAlias(const std::string& task,
                                     const service::AliasChange& change) override {
    JsonWriter body;
    body.BeginObject();
    AppendVersion(body, change.version, change.version_alias);
    if (change.share > 0) body.Field("share", change.share);
    body.EndObject();
    CTT_ASSIGN_OR_RETURN(const json::object object,
                         Ask("PUT", Path(task) + "/aliases/" + change.alias, body.json()));
    return ParseTask(object);
  }

  Status RemoveAlias(const std::string& task, const std::string& alias) override {
    return Ask("DELETE", Path(task) + "/aliases/" + alias).status();
  }

  Result<service::TaskInfo> SetPublishing(const std::string& task,
                                          const service::Publishing& publishing) override {
    JsonWriter body;
    body.BeginObject().Key("publishing").BeginObject().Field("automatic", publishing.automatic);
    if (publishing.max_accuracy_fall)
      body.Field("max_accuracy_fall", *publishing.max_accuracy_fall);
    body.EndObject().EndObject();
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("PATCH", Path(task), body.json()));
    return ParseTask(object);
  }

  Result<service::BackupAnswer> Backup() override {
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("POST", "/v1/backup"));
    return service::BackupAnswer{Text(object, "folder"), Text(object, "database"),
                                 Integer(object, "database_bytes"), Integer(object, "artifacts"),
                                 Integer(object, "artifacts_copied")};
  }

  Result<service::ModelInfo> Model() override {
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("GET", "/model/info"));
    service::ModelInfo model;
    model.name = Text(object, "name");
    model.encoder_id = Text(object, "encoder_id");
    model.engine = Text(object, "engine");
    model.isa = Text(object, "isa");
    return model;
  }

 private:
  static std::string Path(const std::string& task) {
    std::string path = "/v1/tasks/";
    for (const char c : task) {  // A good name needs no escaping; a bad one must stay one segment.
      const auto byte = static_cast<unsigned char>(c);
      if (std::isalnum(byte) != 0 || c == '_' || c == '.' || c == ':' || c == '-') {
        path += c;
      } else {
        constexpr char kHex[] = "0123456789ABCDEF";
        path += {'%', kHex[byte >> 4], kHex[byte & 15]};
      }
    }
    return path;
  }

  Result<json::object> Ask(const std::string& method, const std::string& target,
                           const std::string& body = "") const {
    return client_.Ask(method, target, body);
  }

  Result<service::UnlearnAnswer> AskToUnlearn(const std::string& task,
                                              const std::string& body) const {
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("DELETE", Path(task) + "/examples", body));
    service::UnlearnAnswer answer;
    answer.task = task;
    answer.ids = Strings(object, "ids");
    answer.missing = Strings(object, "missing");
    answer.statistics_before = Text(object, "statistics_before");
    answer.statistics_after = Text(object, "statistics_after");
    answer.examples = Integer(object, "examples");
    answer.head_version = Integer(object, "head_version");
    return answer;
  }

  Result<service::LearnAnswer> LearnRows(const std::string& task,
                                         const std::vector<service::LearnRow>& rows) const {
    CTT_ASSIGN_OR_RETURN(const json::object object,
                         Ask("POST", Path(task) + "/examples", ExamplesJson(rows)));
    return ParseLearned(task, object);
  }

  Status PredictSome(const std::string& task, const std::vector<std::string>& texts,
                     const service::PredictOptions& options, service::PredictAnswer& answer) const {
    JsonWriter body;
    body.BeginObject();
    AppendOptions(body, options);
    AppendStrings(body, "texts", texts);
    body.EndObject();
    CTT_ASSIGN_OR_RETURN(const json::object object,
                         Ask("POST", Path(task) + "/predict", body.json()));
    answer.task = Text(object, "task");
    answer.head_version = Integer(object, "head_version");
    const json::array& results = List(object, "results");
    if (results.size() != texts.size())
      return Internal("the server answered another number of texts");
    for (const json::value& result : results) {
      if (!result.is_object()) return Internal("the server's answer has no result object");
      answer.texts.push_back(ParseTextAnswer(result.get_object()));
      if (SaysNothing(answer.texts.back())) return Internal("the server's answer has no label");
    }
    return Status::Ok();
  }

  Status RouteSome(const std::vector<std::string>& texts, const std::string& group,
                   const service::PredictOptions& options, service::RouteAnswer& answer) const {
    JsonWriter body;
    body.BeginObject();
    if (!group.empty()) body.Field("group", group);
    AppendStrings(body, "texts", texts);
    body.Key("options").BeginObject();
    AppendOptions(body, options);
    body.EndObject().EndObject();
    CTT_ASSIGN_OR_RETURN(const json::object object, Ask("POST", "/v1/route", body.json()));
    answer.router = Text(object, "router");
    const json::array& results = List(object, "results");
    if (results.size() != texts.size())
      return Internal("the server answered another number of texts");
    for (const json::value& result : results) {
      if (!result.is_object()) return Internal("the server's answer has no result object");
      answer.texts.push_back(ParseRouted(result.get_object()));
      if (answer.texts.back().tasks.empty() || SaysNothing(answer.texts.back().answer))
        return Internal("the server's answer has no task");
    }
    return Status::Ok();
  }

  const HttpClient client_;
};

}  // namespace

Result<std::unique_ptr<Session>> OpenRemoteSession(const Settings& settings) {
  CTT_ASSIGN_OR_RETURN(HttpClient client, HttpClient::Make(settings.url, settings));
  return std::unique_ptr<Session>(std::make_unique<RemoteSession>(std::move(client)));
}

}  // namespace ctt::cli
