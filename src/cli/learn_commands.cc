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

Status Learn(const CommandContext& context, const std::string& task, const RowSource& source) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const LearnedFile learned, LearnFile(*session, task, source));
  const service::TaskInfo& info = learned.task;
  if (context.json) {
    PrintJson(Describe(learned));
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

}  // namespace ctt::cli
