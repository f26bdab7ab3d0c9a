#include <fstream>
#include <iostream>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/session.h"

namespace ctt::cli {
namespace {

constexpr std::size_t kPredictChunk = 512;

json::object Describe(const service::TextAnswer& answer) {
  json::object line{{"label", answer.ranked[0].label},
                    {"probability", answer.ranked[0].probability},
                    {"in_scope", answer.in_scope}};
  if (answer.set) line["set"] = json::value_from(*answer.set);
  return line;
}

json::object DescribeWhole(const service::PredictAnswer& answer, const service::TextAnswer& text) {
  json::object line = Describe(text);
  json::array labels;
  for (const service::LabelScore& score : text.ranked)
    labels.push_back({{"label", score.label}, {"probability", score.probability}});
  line["labels"] = std::move(labels);
  line["margin"] = text.margin;
  line["truncated"] = text.truncated;
  line["head_version"] = answer.head_version;
  return line;
}

void PrintAnswer(const std::string& text, const service::TextAnswer& answer) {
  fmt::print("{}\n", text);
  for (const service::LabelScore& score : answer.ranked)
    fmt::print("  {:<30} {:.4f}\n", score.label, score.probability);
  if (answer.set) fmt::print("  set: {}\n", fmt::join(*answer.set, ", "));
  if (answer.truncated) fmt::print("  (the text is longer than the encoder reads: cut)\n");
  if (!answer.in_scope)
    fmt::print("  (out of scope: unlike everything that the task has learned)\n");
}

}  // namespace

Status Predict(const CommandContext& context, const std::string& task,
               const std::vector<std::string>& texts, const service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto answer, session->Predict(task, texts, options));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (context.json)
      PrintJson(DescribeWhole(answer, answer.texts[i]));
    else
      PrintAnswer(texts[i], answer.texts[i]);
  }
  return Status::Ok();
}

Status PredictFile(const CommandContext& context, const std::string& task, const RowSource& source,
                   const std::string& output, const service::PredictOptions& options) {
  CTT_ASSIGN_OR_RETURN(RowFile rows, RowFile::Open(source, false));
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  std::ofstream file;
  if (!output.empty()) file.open(output, std::ios::binary);
  std::ostream& out = output.empty() ? std::cout : file;
  if (!out) return NotFound("cannot write " + output);
  Progress progress("predict " + task);
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
    if (texts.size() < kPredictChunk && (more || texts.empty())) continue;
    done += static_cast<std::int64_t>(texts.size());
    const auto answer = session->Predict(task, std::exchange(texts, {}), options);
    if (!answer.ok())
      return answer.status().WithContext(rows.name() + ", from line " + std::to_string(first_line));
    for (const service::TextAnswer& text : answer->texts) out << JsonLine(Describe(text)) << '\n';
    progress.Set(done, rows.fraction());
  }
  out.flush();
  return out ? Status::Ok() : Status(Code::kResourceExhausted, "cannot write the answers");
}

}  // namespace ctt::cli
