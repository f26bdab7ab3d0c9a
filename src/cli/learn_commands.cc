#include <fstream>
#include <iostream>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/learn_file.h"
#include "cli/row_file.h"
#include "cli/session.h"

namespace ctt::cli {
namespace {

constexpr std::size_t kPredictChunk = 512;

json::object Describe(const service::TextAnswer& answer) {
  return {{"label", answer.ranked[0].label},
          {"probability", answer.ranked[0].probability},
          {"in_scope", answer.in_scope}};
}

void PrintAnswer(const std::string& text, const service::TextAnswer& answer) {
  fmt::print("{}\n", text);
  for (const service::LabelScore& score : answer.ranked)
    fmt::print("  {:<30} {:.4f}\n", score.label, score.probability);
  if (!answer.in_scope)
    fmt::print("  (out of scope: unlike everything that the task has learned)\n");
}

Result<service::PredictAnswer> PredictTexts(service::Service& service, const std::string& task,
                                            std::vector<std::string> texts, std::int32_t top_k) {
  service::PredictOptions options;
  options.top_k = top_k;
  options.timeout_ms = 3'600'000;  // Nobody waits behind a socket.
  return service::Wait<service::PredictAnswer>([&](service::Done<service::PredictAnswer> done) {
    service.Predict(task, std::move(texts), options, std::move(done));
  });
}

Status PredictFile(service::Service& service, const std::string& task, const std::string& file,
                   std::ostream& out) {
  CTT_ASSIGN_OR_RETURN(RowFile rows, RowFile::Open(file, false));
  Progress progress("predict " + task, 0);
  std::int64_t done = 0;
  std::vector<std::string> texts;
  for (bool more = true; more;) {
    CTT_ASSIGN_OR_RETURN(std::optional<FileRow> row, rows.Next());
    more = row.has_value();
    if (more) texts.push_back(std::move(row->text));
    if (texts.size() < kPredictChunk && (more || texts.empty())) continue;
    const std::int64_t first = done + 1;
    done += static_cast<std::int64_t>(texts.size());
    Result<service::PredictAnswer> answer =
        PredictTexts(service, task, std::exchange(texts, {}), 1);
    if (!answer.ok())
      return answer.status().WithContext(file + ", rows from " + std::to_string(first));
    for (const service::TextAnswer& text : answer->texts)
      out << json::serialize(Describe(text)) << '\n';
    progress.Set(done);
  }
  out.flush();
  return out ? Status::Ok() : Status(Code::kResourceExhausted, "cannot write the answers");
}

}  // namespace

int Learn(const CommandContext& context, const std::string& task, const std::string& file) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  const Result<LearnedFile> learned = LearnFile((*session)->service(), task, file);
  if (!learned.ok()) return PrintError(learned.status());
  const service::TaskInfo& info = learned->task;
  if (context.json) {
    PrintJson({{"task", task},
               {"rows", learned->rows},
               {"accepted", learned->accepted},
               {"examples", info.examples},
               {"classes", info.labels.size()},
               {"head_version", info.head_version},
               {"head", info.head},
               {"block", info.block},
               {"head_digest", info.head_digest},
               {"seconds", learned->seconds}});
  } else {
    fmt::print(
        "{}: learned {} rows in {:.1f} s; {} examples, {} labels; head {} on {}, version {}\n",
        task, learned->accepted, learned->seconds, info.examples, info.labels.size(), info.head,
        info.block, info.head_version);
  }
  return 0;
}

int Unlearn(const CommandContext& context, const std::string& task,
            const std::vector<std::string>& ids, const std::string& file) {
  std::vector<std::string> all = ids;
  if (!file.empty()) {
    std::ifstream in(file);
    if (!in) return PrintError(NotFound("cannot open " + file));
    for (std::string line; std::getline(in, line);)
      if (!line.empty()) all.push_back(line);
  }
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  const auto receipt =
      service::Wait<service::UnlearnAnswer>([&](service::Done<service::UnlearnAnswer> done) {
        (*session)->service().Unlearn(task, all, std::move(done));
      });
  if (!receipt.ok()) return PrintError(receipt.status());
  if (receipt->examples > 0) {
    const auto settled = (*session)->service().Settle(task);
    if (!settled.ok()) return PrintError(settled.status());
  }
  if (context.json) {
    PrintJson({{"task", task},
               {"unlearned", json::value_from(receipt->ids)},
               {"missing", json::value_from(receipt->missing)},
               {"statistics_before", receipt->statistics_before},
               {"statistics_after", receipt->statistics_after},
               {"examples", receipt->examples}});
  } else {
    fmt::print("{}: unlearned {} examples, {} were not held; {} are left\n", task,
               receipt->ids.size(), receipt->missing.size(), receipt->examples);
  }
  return 0;
}

int Predict(const CommandContext& context, const std::string& task,
            const std::vector<std::string>& texts, const std::string& file,
            const std::string& output, std::int32_t top_k) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  service::Service& service = (*session)->service();
  if (!file.empty()) {
    std::ofstream out_file;
    if (!output.empty()) out_file.open(output, std::ios::binary);
    if (!output.empty() && !out_file) return PrintError(NotFound("cannot write " + output));
    const Status status = PredictFile(service, task, file, output.empty() ? std::cout : out_file);
    return status.ok() ? 0 : PrintError(status);
  }
  const auto answer = PredictTexts(service, task, texts, top_k);
  if (!answer.ok()) return PrintError(answer.status());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!context.json) {
      PrintAnswer(texts[i], answer->texts[i]);
      continue;
    }
    json::object line = Describe(answer->texts[i]);
    json::array labels;
    for (const service::LabelScore& score : answer->texts[i].ranked)
      labels.push_back({{"label", score.label}, {"probability", score.probability}});
    line["labels"] = std::move(labels);
    line["head_version"] = answer->head_version;
    PrintJson(line);
  }
  return 0;
}

int Evaluate(const CommandContext& context, const std::string& task, const std::string& file) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  Result<RowFile> open = RowFile::Open(file, true);
  if (!open.ok()) return PrintError(open.status());
  Result<std::vector<FileRow>> rows = open->ReadAll();
  if (!rows.ok()) return PrintError(rows.status());
  std::vector<service::EvaluateRow> labelled;
  for (FileRow& row : *rows) labelled.push_back({std::move(row.text), std::move(row.label)});
  const auto metrics = (*session)->service().Evaluate(task, labelled);
  if (!metrics.ok()) return PrintError(metrics.status());
  if (context.json) {
    PrintJson({{"task", task},
               {"n", metrics->n},
               {"accuracy", metrics->accuracy},
               {"macro_f1", metrics->macro_f1},
               {"weighted_f1", metrics->weighted_f1},
               {"log_loss", metrics->log_loss},
               {"ece", metrics->ece},
               {"in_scope_rate", metrics->in_scope_rate}});
  } else {
    fmt::print("{}: {} rows, accuracy {:.4f}, macro F1 {:.4f}, log-loss {:.4f}, ECE {:.4f}\n", task,
               metrics->n, metrics->accuracy, metrics->macro_f1, metrics->log_loss, metrics->ece);
  }
  return 0;
}

}  // namespace ctt::cli
