#include <charconv>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/id_file.h"
#include "cli/row_file.h"
#include "cli/session.h"
#include "service/task_settings.h"

namespace ctt::cli {
namespace {

json::object DescribeAliases(const service::TaskInfo& task) {
  json::object aliases;
  for (const service::AliasInfo& alias : task.aliases) {
    aliases[alias.name] = alias.version;
    if (alias.share > 0) aliases["canary_share"] = alias.share;
  }
  return aliases;
}

json::object DescribePublishing(const service::TaskSettings& publishing) {
  json::object object = {{"automatic", publishing.auto_publish}, {"max_accuracy_fall", nullptr}};
  if (publishing.max_accuracy_fall) object["max_accuracy_fall"] = *publishing.max_accuracy_fall;
  return object;
}

json::object Describe(const service::TaskInfo& task) {
  json::array labels;
  for (const auto& label : task.labels)
    labels.push_back({{"label", label.name}, {"examples", label.examples}});
  return {{"task", task.name},
          {"kind", task.kind ? json::value(TaskKindName(*task.kind)) : json::value()},
          {"examples", task.examples},
          {"classes", task.labels.size()},
          {"labels", std::move(labels)},
          {"head_version", task.head_version},
          {"settled", task.settled},
          {"head", task.head},
          {"block", task.block},
          {"head_digest", task.head_digest},
          {"out_of_scope_rate", task.settings.out_of_scope_rate},
          {"prior", service::PriorName(task.settings.prior)},
          {"groups", json::value_from(task.settings.groups)},
          {"aliases", DescribeAliases(task)},
          {"publishing", DescribePublishing(task.settings)}};
}

void Print(const CommandContext& context, const service::TaskInfo& task) {
  if (context.json) return PrintJson(Describe(task));
  const bool numbers = task.kind == learn::TaskKind::kRegression;
  fmt::print("{}: {} examples, {}, version {}{}\n", task.name, task.examples,
             numbers ? "numbers"
                     : fmt::format("{} labels{}", task.labels.size(),
                                   task.kind == learn::TaskKind::kMulti ? ", any number each" : ""),
             task.head_version,
             task.head.empty() ? "" : ", head " + task.head + " on " + task.block);
}

}  // namespace

Status ListTasks(const CommandContext& context) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto tasks, session->ListTasks());
  if (context.json) {
    json::array list;
    for (const service::TaskInfo& task : tasks) list.push_back(Describe(task));
    PrintJson({{"tasks", std::move(list)}});
    return Status::Ok();
  }
  for (const service::TaskInfo& task : tasks) Print(context, task);
  if (tasks.empty()) fmt::print("no task has been learned yet\n");
  return Status::Ok();
}

Status ShowTask(const CommandContext& context, const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto info, session->ShowTask(task));
  Print(context, info);
  if (!context.json)
    for (const auto& label : info.labels) fmt::print("  {:<40} {}\n", label.name, label.examples);
  return Status::Ok();
}

Status ChangeTask(const CommandContext& context, const std::string& task,
                  const service::TaskChange& change) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(service::TaskInfo info, session->ChangeTask(task, change));
  if (change.prior && info.examples > 0) {
    CTT_ASSIGN_OR_RETURN(info, session->Settle(info.name));
  }
  Print(context, info);
  return Status::Ok();
}

Status DeleteTask(const CommandContext& context, const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_RETURN_IF_ERROR(session->DeleteTask(task));
  if (context.json)
    PrintJson({{"deleted", task}});
  else
    fmt::print("{}: deleted\n", task);
  return Status::Ok();
}

Status ListLabels(const CommandContext& context, const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto labels, session->Labels(task));
  json::array list;
  for (const service::LabelInfo& label : labels) {
    if (!context.json)
      fmt::print("  {:<40} {:>6}  {}\n", label.name, label.examples,
                 label.description.value_or(""));
    list.push_back(
        {{"label", label.name},
         {"examples", label.examples},
         {"description", label.description ? json::value(*label.description) : json::value()}});
  }
  if (context.json) PrintJson({{"task", task}, {"labels", std::move(list)}});
  return Status::Ok();
}

Status DescribeLabels(const CommandContext& context, const std::string& task,
                      const service::LabelDescription& label, const RowSource& source) {
  std::vector<service::LabelDescription> labels;
  if (label.name.empty()) {
    CTT_ASSIGN_OR_RETURN(RowFile file, RowFile::Open(source, true));
    CTT_ASSIGN_OR_RETURN(std::vector<FileRow> rows, file.ReadAll());
    for (FileRow& row : rows) labels.push_back({std::move(row.label), std::move(row.text)});
    if (rows.empty()) return InvalidArgument(file.name() + " holds no row");
  } else {
    labels.push_back(label);
  }
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_RETURN_IF_ERROR(session->DescribeLabels(task, labels).status());
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo info, session->Settle(task));
  Print(context, info);
  return Status::Ok();
}

Status EditLabels(const CommandContext& context, const std::string& task, service::LabelEdit edit,
                  const std::string& ids) {
  if (!ids.empty()) {
    CTT_ASSIGN_OR_RETURN(edit.ids, ReadIds(ids));
  }
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(auto info, session->EditLabels(task, edit));
  if (info.examples > 0) {
    CTT_ASSIGN_OR_RETURN(info, session->Settle(task));
  }
  Print(context, info);
  return Status::Ok();
}

Status ListVersions(const CommandContext& context, const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto versions, session->Versions(task));
  json::array list;
  for (const service::VersionInfo& version : versions) {
    const Result<json::value> report = ParseJson(version.report);
    list.push_back({{"version", version.number},
                    {"live", version.live},
                    {"aliases", json::value_from(version.aliases)},
                    {"settled", version.settled},
                    {"examples", version.examples},
                    {"head_digest", version.head_digest},
                    {"report", report.ok() ? *report : json::value()}});
    if (!context.json) {
      std::string names;
      for (const std::string& alias : version.aliases) names += (names.empty() ? "" : ",") + alias;
      fmt::print("{:>6} {:<13} {} {:>8} examples  {}\n", version.number, names,
                 version.settled ? "settled" : "       ", version.examples,
                 version.head_digest.substr(0, 12));
    }
  }
  if (context.json) PrintJson({{"task", task}, {"versions", std::move(list)}});
  return Status::Ok();
}

namespace {

// A number, or the name of an alias.
service::AliasChange TargetOf(const std::string& version) {
  service::AliasChange change;
  std::int64_t number = 0;
  const char* const end = version.data() + version.size();
  const auto [at, error] = std::from_chars(version.data(), end, number);
  if (error == std::errc() && at == end)
    change.version = number;
  else
    change.version_alias = version;
  return change;
}

}  // namespace

Status Publish(const CommandContext& context, const std::string& task, const std::string& version,
               const std::string& alias, double share) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  if (version == "none") {
    CTT_RETURN_IF_ERROR(session->RemoveAlias(task, alias));
  } else {
    service::AliasChange change = TargetOf(version);
    change.alias = alias;
    change.share = share;
    CTT_RETURN_IF_ERROR(session->SetAlias(task, change).status());
  }
  CTT_ASSIGN_OR_RETURN(const auto info, session->ShowTask(task));
  Print(context, info);
  return Status::Ok();
}

Status SetPublishing(const CommandContext& context, const std::string& task,
                     const service::Publishing& publishing) {
  CTT_ASSIGN_OR_RETURN(const auto session, Session::Open(context.settings));
  CTT_ASSIGN_OR_RETURN(const auto info, session->SetPublishing(task, publishing));
  Print(context, info);
  return Status::Ok();
}

}  // namespace ctt::cli
