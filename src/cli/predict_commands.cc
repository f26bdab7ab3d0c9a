#include <algorithm>
#include <fstream>
#include <functional>
#include <iostream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/session.h"
#include "service/prior_shift.h"

namespace ctt::cli {
namespace {

constexpr std::size_t kPredictChunk = 512;
constexpr std::size_t kNGramsShown = 12;
constexpr std::int32_t kLabelsMax = 10'000;  // That a server shows of an answer.

// As a row of a file would say it.
json::value LabelOf(const service::NearExample& example) {
  if (example.number) return *example.number;
  if (example.labels) return json::value_from(*example.labels);
  return json::string(example.label);
}

json::object DescribeExplanation(const service::Explanation& explanation) {
  json::array nearest, ngrams, words;
  for (const service::NearExample& example : explanation.nearest) {
    nearest.push_back({{"id", example.id},
                       {"text", example.text ? json::value(*example.text) : json::value()},
                       {"label", LabelOf(example)},
                       {"distance", example.distance}});
  }
  for (const service::NGramEffect& row : explanation.ngrams)
    ngrams.push_back({{"ngram", row.ngram},
                      {"kind", row.is_characters ? "characters" : "words"},
                      {"weight", row.weight}});
  for (const service::WordWeight& word : explanation.words)
    words.push_back({{"word", word.word}, {"weight", word.weight}});
  json::object object{{"nearest", std::move(nearest)}};
  if (!ngrams.empty()) object["ngrams"] = std::move(ngrams);
  if (!words.empty()) object["words"] = std::move(words);
  return object;
}

void PrintExplanation(const service::Explanation& explanation) {
  fmt::print("  nearest examples\n");
  for (const service::NearExample& example : explanation.nearest)
    fmt::print("    {:.3f} {}: {}\n", example.distance,
               example.number || example.labels ? json::serialize(LabelOf(example)) : example.label,
               example.text.value_or("(text not kept)"));
  if (!explanation.ngrams.empty()) {
    fmt::print("  words and runs of characters, by what they add to the score\n   ");
    for (std::size_t i = 0; i < std::min(explanation.ngrams.size(), kNGramsShown); ++i)
      fmt::print(" '{}' {:+.2f}", explanation.ngrams[i].ngram, explanation.ngrams[i].weight);
    fmt::print("\n");
  }
  if (explanation.words.empty()) return;
  fmt::print("  words, by what they add to the log odds or the number\n   ");
  for (const service::WordWeight& word : explanation.words)
    fmt::print(" {} {:+.2f}", word.word, word.weight);
  fmt::print("\n");
}

json::array DescribeRanked(const service::TextAnswer& answer) {
  json::array labels;
  for (const service::LabelScore& score : answer.ranked)
    labels.push_back({{"label", score.label}, {"probability", score.probability}});
  return labels;
}

json::object Describe(const service::TextAnswer& answer) {
  json::object line;
  if (answer.number) {
    line["label"] = *answer.number;
    line["interval"] =
        answer.interval ? json::value{answer.interval->low, answer.interval->high} : json::value();
  } else if (answer.holds) {
    line["label"] = json::value_from(*answer.holds);
    line["labels"] = DescribeRanked(answer);
  } else {
    line["label"] = answer.ranked[0].label;
    line["probability"] = answer.ranked[0].probability;
  }
  line["in_scope"] = answer.in_scope;
  if (answer.set) line["set"] = json::value_from(*answer.set);
  if (answer.explanation) line["explanation"] = DescribeExplanation(*answer.explanation);
  return line;
}

json::object DescribeWhole(const service::PredictAnswer& answer, const service::TextAnswer& text) {
  json::object line = Describe(text);
  if (!text.number) {
    line["labels"] = DescribeRanked(text);
    line["margin"] = text.margin;
  }
  line["truncated"] = text.truncated;
  line["head_version"] = answer.head_version;
  return line;
}

void PrintAnswer(const std::string& text, const service::TextAnswer& answer) {
  fmt::print("{}\n", text);
  const auto holds = [&](const std::string& label) {
    return answer.holds &&
           std::find(answer.holds->begin(), answer.holds->end(), label) != answer.holds->end();
  };
  for (const service::LabelScore& score : answer.ranked)
    fmt::print("  {:<30} {:.4f}{}\n", score.label, score.probability,
               holds(score.label) ? " holds" : "");
  if (answer.holds && answer.holds->empty()) fmt::print("  (no label holds)\n");
  if (answer.number) fmt::print("  {:.6g}", *answer.number);
  if (answer.interval)
    fmt::print(" ({:.6g} to {:.6g}, {:.0f} % of the time)", answer.interval->low,
               answer.interval->high, 100 * (1 - answer.interval->error_rate));
  if (answer.number) fmt::print("\n");
  if (answer.set) fmt::print("  set: {}\n", fmt::join(*answer.set, ", "));
  if (answer.truncated) fmt::print("  (the text is longer than the encoder reads: cut)\n");
  if (!answer.in_scope)
    fmt::print("  (out of scope: unlike everything that the task has learned)\n");
  if (answer.explanation) PrintExplanation(*answer.explanation);
}

json::object DescribeRouted(const service::RoutedText& text) {
  json::object line{{"task", text.tasks[0].label}, {"confidence", text.tasks[0].probability}};
  for (auto& [key, value] : Describe(text.answer)) line[key] = std::move(value);
  line["in_scope"] = text.in_scope && text.answer.in_scope;
  return line;
}

void PrintRouted(const std::string& text, const service::RoutedText& routed) {
  PrintAnswer(text, routed.answer);
  fmt::print("  task: {}\n", routed.tasks[0].label);
  for (const service::LabelScore& score : routed.tasks)
    fmt::print("    {:<28} {:.4f}\n", score.label, score.probability);
  if (!routed.in_scope) fmt::print("  (unlike everything that any task has learned)\n");
}

// Where a line for each text of a file goes: a file, or standard output when `output` is empty.
class AnswerLines {
 public:
  explicit AnswerLines(std::string output) : output_(std::move(output)) {
    if (!output_.empty()) file_.open(output_, std::ios::binary);
  }
  Status Check() const { return out_ ? Status::Ok() : NotFound("cannot write " + output_); }
  void Write(const json::object& line) { out_ << JsonLine(line) << '\n'; }
  Status Finish() {
    out_.flush();
    return out_ ? Status::Ok() : Status(Code::kResourceExhausted, "cannot write the answers");
  }

 private:
  const std::string output_;
  std::ofstream file_;
  std::ostream& out_ = output_.empty() ? std::cout : file_;
};

// Texts of a file in chunks: `answer` gives the line of each.
using AnswerChunk =
    std::function<Result<std::vector<json::object>>(std::vector<std::string> texts)>;
Status AnswerFile(const RowSource& source, const std::string& output, const std::string& what,
                  const AnswerChunk& answer) {
  CTT_ASSIGN_OR_RETURN(RowFile rows, RowFile::Open(source, false));
  AnswerLines out(output);
  CTT_RETURN_IF_ERROR(out.Check());
  Progress progress(what);
  std::int64_t done = 0;
  std::int64_t first_line = 0;
  std::vector<std::string> texts;
  for (bool more = true; more;) {
    CTT_ASSIGN_OR_RETURN(std::optional<FileRow> row, rows.Next());
    more = row.has_value();
    if (more) {
      if (texts.empty()) first_line = row->line;
      texts.push_back(std::move(row->text));
    }
    if (texts.empty() || (texts.size() < kPredictChunk && more)) continue;
    done += static_cast<std::int64_t>(texts.size());
    const auto lines = answer(std::exchange(texts, {}));
    if (!lines.ok())
      return lines.status().WithContext(rows.name() + ", from line " + std::to_string(first_line));
    for (const json::object& line : *lines) out.Write(line);
    progress.Set(done, rows.fraction());
  }
  return out.Finish();
}

// A server takes texts in calls of a hundred, a file is read in chunks: the labels' shares are
// found here, over all texts, from whole answers without them.
service::PredictOptions WholeAnswers(service::PredictOptions options) {
  options.adjust_prior = false;
  options.top_k = kLabelsMax;
  return options;
}

Status AdjustTogether(Session& session, const std::string& task, std::int32_t top_k,
                      service::PredictAnswer& answer) {
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo info, session.ShowTask(task));
  if (info.kind != learn::TaskKind::kSingle)
    return InvalidArgument("--adjust-prior is for single-label tasks");
  service::LabelCounts examples;
  for (const auto& label : info.labels) examples[label.name] = label.examples;
  answer.estimated_prior = service::AdjustPrior(examples, info.settings.prior, top_k, answer.texts);
  return Status::Ok();
}

json::object DescribePrior(const std::vector<service::LabelScore>& shares) {
  json::object object;
  for (const service::LabelScore& row : shares) object[row.label] = row.probability;
  return object;
}

void PrintPrior(std::FILE* to, const std::vector<service::LabelScore>& shares) {
  if (shares.empty()) return;
  fmt::print(to, "shares of the labels among these texts\n");
  for (const service::LabelScore& row : shares)
    fmt::print(to, "  {:<30} {:.4f}\n", row.label, row.probability);
}

// Answers when the whole file is read.
Status PredictFileTogether(Session& session, const std::string& task, const RowSource& source,
                           const std::string& output, const service::PredictOptions& options) {
  service::PredictAnswer all;
  const service::PredictOptions whole = WholeAnswers(options);
  CTT_RETURN_IF_ERROR(AnswerFile(
      source, "", "predict " + task,
      [&](std::vector<std::string> texts) -> Result<std::vector<json::object>> {
        CTT_ASSIGN_OR_RETURN(auto answer, session.Predict(task, std::move(texts), whole));
        for (service::TextAnswer& text : answer.texts) all.texts.push_back(std::move(text));
        return std::vector<json::object>();
      }));
  CTT_RETURN_IF_ERROR(AdjustTogether(session, task, options.top_k, all));
  AnswerLines lines(output);
  CTT_RETURN_IF_ERROR(lines.Check());
  for (const service::TextAnswer& text : all.texts) lines.Write(Describe(text));
  PrintPrior(stderr, all.estimated_prior);
  return lines.Finish();
}

}  // namespace

Status Predict(const CommandContext& context, const std::string& task,
               const std::vector<std::string>& texts, const service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  const service::PredictOptions asked = options.adjust_prior ? WholeAnswers(options) : options;
  CTT_ASSIGN_OR_RETURN(auto answer, session->Predict(task, texts, asked));
  if (options.adjust_prior)
    CTT_RETURN_IF_ERROR(AdjustTogether(*session, task, options.top_k, answer));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!context.json) {
      PrintAnswer(texts[i], answer.texts[i]);
      continue;
    }
    json::object line = DescribeWhole(answer, answer.texts[i]);
    if (!answer.estimated_prior.empty())
      line["estimated_prior"] = DescribePrior(answer.estimated_prior);
    PrintJson(line);
  }
  if (!context.json) PrintPrior(stdout, answer.estimated_prior);
  return Status::Ok();
}

Status PredictFile(const CommandContext& context, const std::string& task, const RowSource& source,
                   const std::string& output, const service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  if (options.adjust_prior) return PredictFileTogether(*session, task, source, output, options);
  return AnswerFile(source, output, "predict " + task,
                    [&](std::vector<std::string> texts) -> Result<std::vector<json::object>> {
                      CTT_ASSIGN_OR_RETURN(const auto answer,
                                           session->Predict(task, std::move(texts), options));
                      std::vector<json::object> lines;
                      for (const service::TextAnswer& text : answer.texts)
                        lines.push_back(Describe(text));
                      return lines;
                    });
}

Status Route(const CommandContext& context, const std::string& group,
             const std::vector<std::string>& texts, const service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto answer, session->Route(texts, group, options));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const service::RoutedText& routed = answer.texts[i];
    if (!context.json) {
      PrintRouted(texts[i], routed);
      continue;
    }
    json::object line = DescribeRouted(routed);
    json::array tasks;
    for (const service::LabelScore& score : routed.tasks)
      tasks.push_back({{"task", score.label}, {"probability", score.probability}});
    line["tasks"] = std::move(tasks);
    line["head_version"] = routed.head_version;
    line["router"] = answer.router;
    PrintJson(line);
  }
  return Status::Ok();
}

Status RouteFile(const CommandContext& context, const std::string& group, const RowSource& source,
                 const std::string& output, const service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  return AnswerFile(source, output, "route",
                    [&](std::vector<std::string> texts) -> Result<std::vector<json::object>> {
                      CTT_ASSIGN_OR_RETURN(const auto answer,
                                           session->Route(std::move(texts), group, options));
                      std::vector<json::object> lines;
                      for (const service::RoutedText& text : answer.texts)
                        lines.push_back(DescribeRouted(text));
                      return lines;
                    });
}

}  // namespace ctt::cli
