// Tasks between stores: export, import, merge, reencode.
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/learn_file.h"
#include "cli/session.h"
#include "cli/task_file.h"

namespace ctt::cli {
namespace {

constexpr std::size_t kChunkRows = 512;

Status CheckEncoder(const TaskFileReader& file, const std::string& encoder_id) {
  const std::string& other = file.head().about.encoder_id;
  if (other == encoder_id) return Status::Ok();
  return {Code::kFailedPrecondition, "other_encoder",
          file.path() + " comes from another encoder, model or engine (" + other.substr(0, 12) +
              "; this one is " + encoder_id.substr(0, 12) +
              "): its sums cannot be added; --reencode learns its texts with this one"};
}

LearnFuture Learn(Session& session, const std::string& task, std::vector<service::EncodedRow> rows,
                  bool again) {
  bool all_seen = !again;
  for (const service::EncodedRow& row : rows) all_seen = all_seen && !row.phi.empty();
  if (all_seen) return session.LearnEncoded(task, std::move(rows));
  std::vector<service::LearnRow> said;
  for (service::EncodedRow& row : rows) said.push_back(std::move(row.row));
  return session.Learn(task, std::move(said));
}

// Every example of the file to the task. An id that the task holds with the same content stays.
Status TakeAll(Session& session, const std::string& task, TaskFileReader& file, bool again,
               LearnedFile& taken) {
  Progress progress("take " + file.path());
  for (bool more = true; more;) {
    std::vector<service::EncodedRow> rows;
    const std::int64_t first_line = file.line() + 1;
    while (more && rows.size() < kChunkRows) {
      CTT_ASSIGN_OR_RETURN(std::optional<service::EncodedRow> row, file.Next());
      more = row.has_value();
      if (more) rows.push_back(*std::move(row));
    }
    if (rows.empty()) break;
    const auto count = static_cast<std::int64_t>(rows.size());
    const auto answer = Learn(session, task, std::move(rows), again).get();
    if (!answer.ok())
      return {answer.status().code(), std::string(answer.status().reason()),
              file.path() + ", from line " + std::to_string(first_line) + ": " +
                  answer.status().message()};
    taken.rows += count;
    taken.accepted += answer->accepted;
    progress.Set(taken.rows, file.fraction());
  }
  return Status::Ok();
}

Result<service::TaskInfo> TakeSettings(Session& session, const std::string& task,
                                       const service::TaskSettings& settings) {
  service::TaskChange change;
  change.out_of_scope_rate = settings.out_of_scope_rate;
  change.prior = settings.prior;
  change.groups = settings.groups;
  CTT_RETURN_IF_ERROR(session.ChangeTask(task, change).status());
  CTT_ASSIGN_OR_RETURN(service::TaskInfo info, session.Settle(task));
  if (settings.auto_publish == info.settings.auto_publish &&
      settings.max_accuracy_fall == info.settings.max_accuracy_fall)
    return info;
  return session.SetPublishing(task, {settings.auto_publish, settings.max_accuracy_fall});
}

// The file must be whole: its examples have the sums that its first line names.
Result<service::TaskInfo> TakeWhole(Session& session, const std::string& task, TaskFileReader& file,
                                    bool again, LearnedFile& taken) {
  CTT_RETURN_IF_ERROR(TakeAll(session, task, file, again, taken));
  if (taken.rows == 0) return InvalidArgument(file.path() + " holds no example");
  if (!again) {
    CTT_ASSIGN_OR_RETURN(const service::VerifyAnswer sums, session.Verify(task));
    if (sums.statistics != file.head().about.statistics)
      return Status(Code::kDataLoss, "file_not_whole",
                    file.path() + " is not whole: its examples do not have the sums that its " +
                        "first line names");
  }
  return TakeSettings(session, task, file.head().about.settings);
}

json::object Describe(LearnedFile taken, const service::TaskInfo& info, double start_s) {
  taken.task = info;
  taken.seconds = SteadySeconds() - start_s;
  return Describe(taken);
}

// Learns anew what one task of another session holds, and unlearns what it does not hold any more.
class Reencoding {
 public:
  Reencoding(Session& from, Session& to, std::string task)
      : from_(from), to_(to), task_(std::move(task)) {}

  Result<service::TaskInfo> Run(LearnedFile& taken) {
    service::TaskSettings settings;
    CTT_RETURN_IF_ERROR(from_.Export(
        task_,
        [&](const service::TaskExport& about) {
          settings = about.settings;
          return Status::Ok();
        },
        [&](service::EncodedRow row) {
          ids_.insert(row.row.id);
          rows_.push_back(std::move(row.row));
          return rows_.size() < kChunkRows ? Status::Ok() : LearnRows(taken);
        }));
    if (!rows_.empty()) CTT_RETURN_IF_ERROR(LearnRows(taken));
    CTT_RETURN_IF_ERROR(UnlearnOthers());
    return TakeSettings(to_, task_, settings);
  }

 private:
  Status LearnRows(LearnedFile& taken) {
    taken.rows += static_cast<std::int64_t>(rows_.size());
    CTT_ASSIGN_OR_RETURN(const auto answer, to_.Learn(task_, std::exchange(rows_, {})).get());
    taken.accepted += answer.accepted;
    return Status::Ok();
  }

  Status UnlearnOthers() {
    std::vector<std::string> others;
    CTT_RETURN_IF_ERROR(to_.Export(
        task_, [](const service::TaskExport&) { return Status::Ok(); },
        [&](const service::EncodedRow& row) {
          if (!ids_.contains(row.row.id)) others.push_back(row.row.id);
          return Status::Ok();
        }));
    if (others.empty()) return Status::Ok();
    return to_.Unlearn(task_, std::move(others)).status();
  }

  Session& from_;
  Session& to_;
  const std::string task_;
  std::vector<service::LearnRow> rows_;
  std::unordered_set<std::string> ids_;
};

}  // namespace

Status ExportTask(const CommandContext& context, const std::string& task,
                  const std::string& output) {
  const std::string path = output.empty() ? task + ".ctt.jsonl" : output;
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_RETURN_IF_ERROR(session->ShowTask(task).status());  // Before a file is made.
  CTT_ASSIGN_OR_RETURN(TaskFileWriter file, TaskFileWriter::Create(path));
  TaskFileHead head;
  head.task = task;
  std::int64_t rows = 0;
  CTT_RETURN_IF_ERROR(session->Export(
      task,
      [&](const service::TaskExport& about) {
        head.about = about;
        return file.Begin(head);
      },
      [&](const service::EncodedRow& row) {
        ++rows;
        return file.Add(row);
      }));
  CTT_RETURN_IF_ERROR(file.Close());
  if (path == "-") return Status::Ok();
  if (context.json)
    PrintJson({{"task", task},
               {"file", path},
               {"examples", rows},
               {"statistics", head.about.statistics},
               {"head_digest", head.about.head_digest}});
  else
    fmt::print("{}: {} examples to {}\n", task, rows, path);
  return Status::Ok();
}

Status ImportTask(const CommandContext& context, const std::string& path, const std::string& name,
                  bool again) {
  const double start_s = SteadySeconds();
  CTT_ASSIGN_OR_RETURN(TaskFileReader file, TaskFileReader::Open(path));
  const std::string task = name.empty() ? file.head().task : name;
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const service::ModelInfo model, session->Model());
  if (!again) CTT_RETURN_IF_ERROR(CheckEncoder(file, model.encoder_id));
  if (session->ShowTask(task).ok())
    return {Code::kAlreadyExists, "task_exists",
            "there is a task '" + task + "' already; --name gives another, 'ctt merge' adds to it"};
  LearnedFile taken;
  const auto info = TakeWhole(*session, task, file, again, taken);
  if (!info.ok()) {
    if (taken.rows > 0) CTT_RETURN_IF_ERROR(session->DeleteTask(task));
    return info.status();
  }
  const bool same = info->head_digest == file.head().about.head_digest;
  if (context.json) {
    json::object answer = Describe(taken, *info, start_s);
    answer["same_head"] = same;
    PrintJson(answer);
  } else {
    fmt::print("{}: {} examples, {} labels; head {} on {}{}\n", task, info->examples,
               info->labels.size(), info->head, info->block,
               same ? ", the same bits as where it comes from" : "");
  }
  return Status::Ok();
}

Status MergeTasks(const CommandContext& context, const std::string& task,
                  const std::vector<std::string>& files, bool again) {
  const double start_s = SteadySeconds();
  std::vector<TaskFileReader> readers;
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const service::ModelInfo model, session->Model());
  for (const std::string& path : files) {
    CTT_ASSIGN_OR_RETURN(TaskFileReader file, TaskFileReader::Open(path));
    if (!again) CTT_RETURN_IF_ERROR(CheckEncoder(file, model.encoder_id));
    readers.push_back(std::move(file));
  }
  LearnedFile taken;
  for (TaskFileReader& file : readers) {
    const Status status = TakeAll(*session, task, file, again, taken);
    if (!status.ok() && taken.rows > 0)
      return status.WithContext(std::to_string(taken.rows) +
                                " examples merged (again is no harm), then");
    CTT_RETURN_IF_ERROR(status);
  }
  if (taken.rows == 0) return InvalidArgument("the files hold no example");
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo info, session->Settle(task));
  if (context.json)
    PrintJson(Describe(taken, info, start_s));
  else
    fmt::print("{}: {} examples came, {} of them new; {} now, {} labels; head {} on {}\n", task,
               taken.rows, taken.accepted, info.examples, info.labels.size(), info.head,
               info.block);
  return Status::Ok();
}

Status Reencode(const CommandContext& context, const std::string& url) {
  Settings serving = context.settings, own = context.settings;
  serving.url = url;
  own.url.clear();
  CTT_ASSIGN_OR_RETURN(const auto from, Session::Open(serving));
  CTT_ASSIGN_OR_RETURN(const auto to, Session::Open(own));
  CTT_ASSIGN_OR_RETURN(const auto tasks, from->ListTasks());
  json::array list;
  for (const service::TaskInfo& task : tasks) {
    if (task.examples == 0) continue;
    const double start_s = SteadySeconds();
    LearnedFile taken;
    const auto info = Reencoding(*from, *to, task.name).Run(taken);
    if (!info.ok()) return info.status().WithContext("task '" + task.name + "'");
    if (context.json)
      list.push_back(Describe(taken, *info, start_s));
    else
      fmt::print("{}: {} examples, {} of them encoded anew; head {} on {}\n", task.name,
                 info->examples, taken.accepted, info->head, info->block);
  }
  if (context.json) PrintJson({{"tasks", std::move(list)}});
  return Status::Ok();
}

}  // namespace ctt::cli
