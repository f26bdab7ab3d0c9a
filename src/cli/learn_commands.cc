#include <fstream>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/learn_file.h"
#include "cli/session.h"

namespace ctt::cli {
namespace {

// The file's ids: one a line, or {"id"} objects as `ctt learn` takes them.
Result<std::vector<std::string>> ReadIdsToUnlearn(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path);
  std::istream& in = path == "-" ? std::cin : file;
  if (!in) return NotFound("cannot open " + path);
  std::vector<std::string> ids;
  std::string line;
  for (std::int64_t number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    if (line.front() != '{') {
      ids.push_back(line);
      continue;
    }
    const Result<json::value> value = ParseJson(line);
    const auto id = value.ok() ? RequiredString(value->get_object(), "id") : value.status();
    if (!id.ok()) return id.status().WithContext(path + ", line " + std::to_string(number));
    ids.push_back(*id);
  }
  return ids;
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

Status Unlearn(const CommandContext& context, const std::string& task, std::vector<std::string> ids,
               const std::string& file) {
  if (!file.empty()) {
    CTT_ASSIGN_OR_RETURN(ids, ReadIdsToUnlearn(file));
  }
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto receipt, session->Unlearn(task, std::move(ids)));
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

}  // namespace ctt::cli
