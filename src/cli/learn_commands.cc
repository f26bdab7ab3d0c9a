#include <fstream>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/id_file.h"
#include "cli/learn_file.h"
#include "cli/session.h"

namespace ctt::cli {
namespace {

constexpr std::size_t kPredictChunk = 512;

json::object Describe(const service::TextAnswer& answer) {
  return {{"label", answer.ranked[0].label},
          {"probability", answer.ranked[0].probability},
          {"in_scope", answer.in_scope}};
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
  if (answer.truncated) fmt::print("  (the text is longer than the encoder reads: cut)\n");
  if (!answer.in_scope)
    fmt::print("  (out of scope: unlike everything that the task has learned)\n");
}

json::array DescribeClasses(const learn::Metrics& metrics) {
  json::array classes;
  for (const learn::ClassMetrics& row : metrics.classes) {
    classes.push_back({{"label", row.label},
                       {"support", row.support},
                       {"precision", row.precision},
                       {"recall", row.recall},
                       {"f1", row.f1}});
  }
  return classes;
}

}  // namespace

Status Learn(const CommandContext& context, const std::string& task, const RowSource& source) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const LearnedFile learned, LearnFile(*session, task, source));
  const service::TaskInfo& info = learned.task;
  if (context.json) {
    PrintJson({{"task", task},
               {"rows", learned.rows},
               {"accepted", learned.accepted},
               {"examples", info.examples},
               {"classes", info.labels.size()},
               {"head_version", info.head_version},
               {"head", info.head},
               {"block", info.block},
               {"head_digest", info.head_digest},
               {"settled", info.settled},
               {"seconds", learned.seconds}});
  } else {
    fmt::print(
        "{}: learned {} of {} rows in {:.1f} s; {} examples, {} labels; head {} on {}, version "
        "{}\n",
        task, learned.accepted, learned.rows, learned.seconds, info.examples, info.labels.size(),
        info.head, info.block, info.head_version);
  }
  return Status::Ok();
}

Status Unlearn(const CommandContext& context, const std::string& task, UnlearnSource source) {
  const bool filtered = source.ids.empty() && source.file.empty();
  if (!source.file.empty()) {
    CTT_ASSIGN_OR_RETURN(source.ids, ReadIds(source.file));
  }
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto receipt, filtered
                                               ? session->UnlearnWhere(task, source.filter)
                                               : session->Unlearn(task, std::move(source.ids)));
  std::int64_t head_version = receipt.head_version;
  if (receipt.examples > 0) {
    CTT_ASSIGN_OR_RETURN(const auto settled, session->Settle(task));
    head_version = settled.head_version;
  }
  if (context.json) {
    PrintJson({{"task", task},
               {"unlearned", json::value_from(receipt.ids)},
               {"missing", json::value_from(receipt.missing)},
               {"statistics_before", receipt.statistics_before},
               {"statistics_after", receipt.statistics_after},
               {"examples", receipt.examples},
               {"head_version", head_version}});
  } else {
    fmt::print("{}: unlearned {} examples, {} were not held; {} are left\n", task,
               receipt.ids.size(), receipt.missing.size(), receipt.examples);
  }
  return Status::Ok();
}

Status Purge(const CommandContext& context, const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto answer, session->Purge(task));
  if (context.json)
    PrintJson({{"task", task}, {"examples", answer.examples}, {"artifacts", answer.artifacts}});
  else
    fmt::print("{}: erased {} unlearned examples and {} artefacts\n", task, answer.examples,
               answer.artifacts);
  return Status::Ok();
}

Status Verify(const CommandContext& context, const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto answer, session->Verify(task));
  if (context.json) {
    PrintJson({{"task", task},
               {"ok", answer.ok()},
               {"examples", answer.examples},
               {"statistics", answer.statistics},
               {"statistics_log", answer.statistics_log},
               {"head_version", answer.head_version},
               {"head_digest", answer.head_digest},
               {"head_digest_log", answer.head_digest_log}});
  } else {
    fmt::print("{}: {} examples; sums {}, head {}\n", task, answer.examples,
               answer.statistics == answer.statistics_log ? "as the log has them" : "DIFFER",
               answer.head_digest == answer.head_digest_log ? "as the log gives it" : "DIFFERS");
  }
  if (answer.ok()) return Status::Ok();
  return DataLoss("task '" + task + "' differs from its log");
}

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
                   const service::PredictOptions& asked, const std::string& output) {
  service::PredictOptions options = asked;
  options.top_k = 1;
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

Status Evaluate(const CommandContext& context, const std::string& task, const RowSource& source) {
  CTT_ASSIGN_OR_RETURN(RowFile file, RowFile::Open(source, true));
  CTT_ASSIGN_OR_RETURN(std::vector<FileRow> rows, file.ReadAll());
  if (rows.empty()) return InvalidArgument(file.name() + " holds no row");
  std::vector<service::EvaluateRow> labelled;
  for (FileRow& row : rows) labelled.push_back({std::move(row.text), std::move(row.label)});
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto metrics, session->Evaluate(task, std::move(labelled)));
  if (context.json) {
    PrintJson({{"task", task},
               {"n", metrics.n},
               {"accuracy", metrics.accuracy},
               {"macro_f1", metrics.macro_f1},
               {"weighted_f1", metrics.weighted_f1},
               {"log_loss", metrics.log_loss},
               {"ece", metrics.ece},
               {"in_scope_rate", metrics.in_scope_rate},
               {"classes", DescribeClasses(metrics)}});
  } else {
    fmt::print("{}: {} rows, accuracy {:.4f}, macro F1 {:.4f}, log-loss {:.4f}, ECE {:.4f}\n", task,
               metrics.n, metrics.accuracy, metrics.macro_f1, metrics.log_loss, metrics.ece);
  }
  return Status::Ok();
}

}  // namespace ctt::cli
