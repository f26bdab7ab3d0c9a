#include <gtest/gtest.h>

#include "http/answers.h"
#include "http/requests.h"

namespace ctt::http {
namespace {

struct BadBody {
  const char* why;
  const char* body;
  const char* reason;
  const char* message;  // A part of it.
};

TEST(PredictBodyTest, TakesOneTextOrSeveral) {
  const auto one = ParsePredict(
      R"({"text":"a","task_id":"t","options":{"top_k":2,"version":3,"timeout_ms":9}})", 100);
  ASSERT_TRUE(one.ok()) << one.status().ToString();
  EXPECT_TRUE(one->single);
  EXPECT_EQ(one->task, "t");
  EXPECT_EQ(one->texts, std::vector<std::string>{"a"});
  EXPECT_EQ(one->options.top_k, 2);
  EXPECT_EQ(one->options.version, 3);
  EXPECT_EQ(one->options.timeout_ms, 9);
  const auto many = ParsePredict(R"({"texts":["a","b"],"task_id":"t","options":null})", 2);
  ASSERT_TRUE(many.ok());
  EXPECT_FALSE(many->single);
  EXPECT_EQ(many->texts.size(), 2U);
  EXPECT_EQ(many->options.top_k, 5);
  EXPECT_EQ(many->options.timeout_ms, 5000);
}

TEST(PredictBodyTest, NamesWhatIsWrong) {
  const BadBody cases[] = {
      {"not JSON", "{", "invalid_json", "byte"},
      {"two values", "{}{}", "invalid_json", "after the end"},
      {"lone surrogate", R"({"text":"\ud800","task_id":"t"})", "invalid_json", ""},
      {"too deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "invalid_json", ""},
      {"not an object", "[]", "wrong_type", "object"},
      {"no task", R"({"text":"a"})", "missing_field", "'task_id'"},
      {"null task", R"({"text":"a","task_id":null})", "missing_field", "'task_id'"},
      {"no text", R"({"task_id":"t"})", "missing_field", "'text' or 'texts'"},
      {"both", R"({"text":"a","texts":["b"],"task_id":"t"})", "conflicting_fields", "not both"},
      {"wrong type", R"({"text":1,"task_id":"t"})", "wrong_type", "'text'"},
      {"wrong element", R"({"texts":["a",1],"task_id":"t"})", "wrong_type", "'texts'"},
      {"not a list", R"({"texts":"a","task_id":"t"})", "wrong_type", "'texts'"},
      {"empty list", R"({"texts":[],"task_id":"t"})", "empty_request", "'texts'"},
      {"too many", R"({"texts":["a","b","c"],"task_id":"t"})", "too_many_texts", "at most 2"},
      {"unknown field", R"({"txt":"a","task_id":"t"})", "unknown_field", "'text'"},
      {"unknown option", R"({"text":"a","task_id":"t","options":{"topk":1}})", "unknown_field",
       "'top_k'"},
      {"options no object", R"({"text":"a","task_id":"t","options":[]})", "wrong_type",
       "'options'"},
      {"top_k 0", R"({"text":"a","task_id":"t","options":{"top_k":0}})", "out_of_range", "'top_k'"},
      {"top_k 1.5", R"({"text":"a","task_id":"t","options":{"top_k":1.5}})", "wrong_type",
       "'top_k'"},
      {"long wait", R"({"text":"a","task_id":"t","options":{"timeout_ms":60001}})", "out_of_range",
       "60000"},
      {"version 0", R"({"text":"a","task_id":"t","options":{"version":0}})", "out_of_range",
       "'version'"},
  };
  for (const BadBody& row : cases) {
    const Status status = ParsePredict(row.body, 2).status();
    EXPECT_EQ(status.reason(), row.reason) << row.why << ": " << status.ToString();
    EXPECT_NE(status.message().find(row.message), std::string::npos)
        << row.why << ": " << status.ToString();
  }
}

TEST(PredictBodyTest, OtherRoutesHaveTheirOwnFields) {
  const auto task = ParsePredictTask("t", R"({"text":"a","top_k":1,"version":2})", 100);
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->task, "t");
  EXPECT_EQ(task->options.version, 2);
  EXPECT_EQ(ParsePredictTask("t", R"({"text":"a","task_id":"t"})", 9).status().reason(),
            "unknown_field");
  EXPECT_TRUE(ParsePredictBatch(R"({"texts":["a"],"task_id":"t"})", 9).ok());
  EXPECT_EQ(ParsePredictBatch(R"({"text":"a","task_id":"t"})", 9).status().reason(),
            "unknown_field");
}

TEST(LearnBodyTest, TakesAListOrOneRow) {
  const auto many = ParseLearn(
      R"({"examples":[{"text":"a","label":"x"},{"text":"b","label":"y","id":"1","source":"s"}]})");
  ASSERT_TRUE(many.ok());
  ASSERT_EQ(many->size(), 2U);
  EXPECT_EQ((*many)[0].id, "");
  EXPECT_EQ((*many)[1].id, "1");
  EXPECT_EQ((*many)[1].source, "s");
  const auto one = ParseLearn(R"({"text":"a","label":"x"})");
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(one->size(), 1U);
}

TEST(LearnBodyTest, TheTypeOfTheLabelSaysTheKind) {
  const auto rows = ParseLearn(
      R"({"examples":[{"text":"a","label":["x","y"]},{"text":"b","label":[]},{"text":"c","label":-1.5}]})");
  ASSERT_TRUE(rows.ok());
  EXPECT_EQ((*rows)[0].labels, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ((*rows)[1].labels, std::vector<std::string>());
  EXPECT_EQ((*rows)[2].number, -1.5);
  EXPECT_FALSE((*rows)[2].labels.has_value());
}

TEST(LearnBodyTest, NamesTheRow) {
  const BadBody cases[] = {
      {"no label", R"({"examples":[{"text":"a","label":"x"},{"text":"b"}]})", "missing_field",
       "row 2: 'label'"},
      {"row is no object", R"({"examples":["a"]})", "wrong_type", "row 1"},
      {"unknown field", R"({"examples":[{"text":"a","lable":"x"}]})", "unknown_field", "'label'"},
      {"label is a truth", R"({"examples":[{"text":"a","label":true}]})", "wrong_type", "'label'"},
      {"label holds a number", R"({"examples":[{"text":"a","label":["x",1]}]})", "wrong_type",
       "array of strings"},
      {"no examples", "{}", "missing_field", "'examples'"},
      {"beside the list", R"({"examples":[],"text":"a"})", "unknown_field", "'text'"},
      {"not an object", "3", "wrong_type", "object"},
  };
  for (const BadBody& row : cases) {
    const Status status = ParseLearn(row.body).status();
    EXPECT_EQ(status.reason(), row.reason) << row.why << ": " << status.ToString();
    EXPECT_NE(status.message().find(row.message), std::string::npos)
        << row.why << ": " << status.ToString();
  }
}

TEST(EvaluateBodyTest, JsonAndLinesSayTheSame) {
  const auto rows =
      ParseEvaluate(R"({"rows":[{"text":"a","label":"x"},{"text":"b","label":"y"}]})");
  const auto examples =
      ParseEvaluate(R"({"examples":[{"text":"a","label":"x"},{"text":"b","label":"y"}]})");
  const auto lines =
      ParseEvaluateLines("{\"text\":\"a\",\"label\":\"x\"}\r\n\n{\"text\":\"b\",\"label\":\"y\"}");
  ASSERT_TRUE(rows.ok() && examples.ok() && lines.ok());
  for (const auto* form : {&*rows, &*examples, &*lines}) {
    ASSERT_EQ(form->rows.size(), 2U);
    EXPECT_EQ(form->rows[1].text, "b");
    EXPECT_EQ(form->rows[1].label, "y");
  }
  EXPECT_NE(
      ParseEvaluateLines("{\"text\":\"a\",\"label\":\"x\"}\n\n{").status().message().find("row 3"),
      std::string::npos);
  EXPECT_EQ(ParseEvaluate(R"({"rows":[],"examples":[]})").status().reason(), "conflicting_fields");
}

TEST(SmallBodyTest, OneFieldEach) {
  EXPECT_EQ(ParseNewTask(R"({"name":"a"})")->name, "a");
  EXPECT_EQ(ParseNewTask(R"({"name":"a","kind":"multi"})")->kind, learn::TaskKind::kMulti);
  EXPECT_EQ(ParseNewTask(R"({"nam":"a"})").status().reason(), "unknown_field");
  EXPECT_EQ(ParseNewTask(R"({"name":"a","kind":"x"})").status().reason(), "bad_kind");
  EXPECT_EQ(ParseUnlearn(R"({"ids":["a","b"]})")->ids, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(ParseUnlearn(R"({"ids":[]})").status().reason(), "empty_request");
  EXPECT_EQ(ParseUnlearn(R"({"filter":{"since":"x"}})").status().reason(), "bad_time");
  EXPECT_EQ(ParseUnlearn(R"({"ids":["a"],"filter":{}})").status().reason(), "conflicting_fields");
  EXPECT_EQ(ParseAliasChange("live", R"({"version":4})")->version, 4);
  EXPECT_EQ(ParseAliasChange("live", R"({"version":"previous"})")->version_alias, "previous");
  EXPECT_EQ(ParseAliasChange("live", R"({"version":[]})").status().reason(), "wrong_type");
  EXPECT_EQ(ParseAliasChange("live", "{}").status().reason(), "missing_field");
  EXPECT_EQ(*ParseIfMatch("\"7\""), 7);
  EXPECT_EQ(*ParseIfMatch(std::nullopt), std::nullopt);
  for (const char* bad : {"7", "\"\"", "\"x\"", "\"7x\"", "W/\"7\"", "*", "\"-1\""})
    EXPECT_EQ(ParseIfMatch(bad).status().reason(), "bad_if_match") << bad;
}

service::PredictAnswer TwoLabels() {
  service::PredictAnswer answer{"t", 7, {}};
  answer.texts.push_back({{{"a\xFF", 0.75}, {"b", 0.25}}, {}, {}, {}, 1.5, false, 0.5, true});
  return answer;
}

TEST(AnswerTest, PredictShapes) {
  EXPECT_EQ(PredictJson(TwoLabels(), true, 1.5),
            "{\"predictions\":[\"a\xEF\xBF\xBD\",\"b\"],\"probabilities\":[0.75,0.25],"
            "\"confidence\":0.75,"
            "\"in_scope\":false,\"margin\":0.5,\"task_id\":\"t\",\"head_version\":7,\"processing_"
            "time_ms\":1.5}");
  EXPECT_EQ(
      PredictJson(TwoLabels(), false, 1.5),
      "{\"results\":[{\"predictions\":[\"a\xEF\xBF\xBD\",\"b\"],\"probabilities\":[0.75,0.25],"
      "\"confidence\":0.75,\"in_scope\":false,\"margin\":0.5}],\"task_id\":\"t\",\"head_version\":"
      "7,"
      "\"processing_time_ms\":1.5}");
  EXPECT_EQ(TaskPredictJson(TwoLabels()),
            "{\"task\":\"t\",\"head_version\":7,\"results\":[{\"label\":\"a\xEF\xBF\xBD\","
            "\"probability\":0.75,\"in_scope\":false,\"margin\":0.5,\"truncated\":true,\"labels\":["
            "{\"label\":\"a\xEF\xBF\xBD\",\"probability\":0.75},{\"label\":\"b\",\"probability\":0."
            "25}]}]}");
}

TEST(AnswerTest, AbsentValuesAreNull) {
  service::TaskInfo task;
  task.name = "t";
  task.created_us = 1;
  EXPECT_EQ(TaskJson(task),
            R"({"name":"t","kind":null,"examples":0,"classes":0,"head_version":0,"settled":false,)"
            R"("head":null,)"
            R"("block":null,"head_digest":null,"created_at":"1970-01-01T00:00:00.000001Z",)"
            R"("updated_at":null,"out_of_scope_rate":0.05,"prior":"empirical","groups":[],)"
            R"("labels":[],"aliases":[],)"
            R"("publishing":{"automatic":true,"max_accuracy_fall":null}})");
  EXPECT_EQ(ExamplePageJson({{{"i", std::nullopt, "l", "", 0}}, 0}),
            R"({"examples":[{"id":"i","text":null,"label":"l","source":null,"created_at":null}],)"
            R"("next_after":null})");
}

TEST(AnswerTest, ReportsOfVersionsArePartOfTheDocument) {
  service::VersionInfo version;
  version.number = 2;
  version.report = R"({"loo_accuracy":0.5})";
  const std::string text = VersionsJson("t", {version, {}});
  EXPECT_NE(text.find(R"("report":{"loo_accuracy":0.5})"), std::string::npos);
  EXPECT_NE(text.find(R"("report":null)"), std::string::npos);
  EXPECT_TRUE(ParseJson(text).ok());
}

}  // namespace
}  // namespace ctt::http
