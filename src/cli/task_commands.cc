#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/session.h"

namespace ctt::cli {
namespace {

json::object Describe(const service::TaskInfo& task) {
  json::array labels;
  for (const auto& label : task.labels)
    labels.push_back({{"label", label.name}, {"examples", label.examples}});
  return {{"task", task.name},
          {"examples", task.examples},
          {"classes", task.labels.size()},
          {"labels", std::move(labels)},
          {"head_version", task.head_version},
          {"settled", task.settled},
          {"head", task.head},
          {"block", task.block},
          {"head_digest", task.head_digest}};
}

void Print(const CommandContext& context, const service::TaskInfo& task) {
  if (context.json) return PrintJson(Describe(task));
  fmt::print("{}: {} examples, {} labels, version {}{}\n", task.name, task.examples,
             task.labels.size(), task.head_version,
             task.head.empty() ? "" : ", head " + task.head + " on " + task.block);
}

}  // namespace

int ListTasks(const CommandContext& context) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  const auto tasks = (*session)->service().ListTasks();
  if (context.json) {
    json::array list;
    for (const service::TaskInfo& task : tasks) list.push_back(Describe(task));
    PrintJson({{"tasks", std::move(list)}});
    return 0;
  }
  for (const service::TaskInfo& task : tasks) Print(context, task);
  if (tasks.empty()) fmt::print("no task has been learned yet\n");
  return 0;
}

int ShowTask(const CommandContext& context, const std::string& task) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  const auto info = (*session)->service().ShowTask(task);
  if (!info.ok()) return PrintError(info.status());
  Print(context, *info);
  if (!context.json)
    for (const auto& label : info->labels) fmt::print("  {:<40} {}\n", label.name, label.examples);
  return 0;
}

int RenameTask(const CommandContext& context, const std::string& task, const std::string& name) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  const Status status = (*session)->service().RenameTask(task, name);
  if (!status.ok()) return PrintError(status);
  Print(context, *(*session)->service().ShowTask(name));
  return 0;
}

int DeleteTask(const CommandContext& context, const std::string& task) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  const Status status = (*session)->service().DeleteTask(task);
  if (!status.ok()) return PrintError(status);
  if (context.json)
    PrintJson({{"deleted", task}});
  else
    fmt::print("{}: deleted\n", task);
  return 0;
}

int ListVersions(const CommandContext& context, const std::string& task) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  const auto versions = (*session)->service().Versions(task);
  if (!versions.ok()) return PrintError(versions.status());
  json::array list;
  for (const service::VersionInfo& version : *versions) {
    const Result<json::value> report = ParseJson(version.report);
    list.push_back({{"version", version.number},
                    {"live", version.live},
                    {"settled", version.settled},
                    {"examples", version.examples},
                    {"head_digest", version.head_digest},
                    {"report", report.ok() ? *report : json::value()}});
    if (!context.json) {
      fmt::print("{:>6} {} {} {:>8} examples  {}\n", version.number, version.live ? "live" : "    ",
                 version.settled ? "settled" : "       ", version.examples,
                 version.head_digest.substr(0, 12));
    }
  }
  if (context.json) PrintJson({{"task", task}, {"versions", std::move(list)}});
  return 0;
}

int Publish(const CommandContext& context, const std::string& task, std::int64_t version) {
  auto session = Session::Open(context.settings);
  if (!session.ok()) return PrintError(session.status());
  const auto info = (*session)->service().PublishVersion(task, version);
  if (!info.ok()) return PrintError(info.status());
  Print(context, *info);
  return 0;
}

}  // namespace ctt::cli
