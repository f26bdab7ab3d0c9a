#include "http/answers.h"
#include "http/requests.h"
#include "http/routes.h"

namespace ctt::http {

namespace {

std::vector<service::TaskInfo> VisibleTasks(const Call& call) {
  std::vector<service::TaskInfo> tasks = call.service().ListTasks();
  std::erase_if(tasks, [&](const auto& task) { return !call.caller->MayName(task.name); });
  return tasks;
}

}  // namespace

Result<Reply> ListTaskIds(const Call& call) { return JsonReply(TaskIdsJson(VisibleTasks(call))); }

Result<Reply> ModelInfo(const Call& call) {
  return JsonReply(ModelJson(call.service().model(), call.server.options.version));
}

Result<Reply> Backup(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const service::BackupAnswer answer, call.service().Backup());
  return JsonReply(BackupJson(answer));
}

Result<Reply> ListTasks(const Call& call) { return JsonReply(TaskListJson(VisibleTasks(call))); }

Result<Reply> CreateTask(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const NewTask wanted, ParseNewTask(call.body));
  const std::string& name = wanted.name;
  CTT_RETURN_IF_ERROR(call.MayName(name));
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo task,
                       call.service().CreateTask(name, call.origin(), wanted.kind));
  Reply reply = JsonReply(TaskJson(task), 201);
  reply.headers.emplace_back("Location", "/v1/tasks/" + name);  // A task name needs no escaping.
  return reply;
}

Result<Reply> ShowTask(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo task, call.service().ShowTask(call.params[0]));
  return JsonReply(TaskJson(task));
}

Result<Reply> ChangeTask(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const TaskRequest request, ParseTaskRequest(call.body));
  if (request.labels) {
    CTT_ASSIGN_OR_RETURN(const service::TaskInfo task,
                         call.service().EditLabels(call.params[0], *request.labels, call.origin()));
    return JsonReply(TaskJson(task));
  }
  if (request.publishing) {
    CTT_ASSIGN_OR_RETURN(
        const service::TaskInfo task,
        call.service().SetPublishing(call.params[0], *request.publishing, call.origin()));
    return JsonReply(TaskJson(task));
  }
  const service::TaskChange& change = request.change;
  if (change.name) CTT_RETURN_IF_ERROR(call.MayName(*change.name));
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo task,
                       call.service().ChangeTask(call.params[0], change, call.origin()));
  return JsonReply(TaskJson(task));
}

Result<Reply> DeleteTask(const Call& call) {
  CTT_RETURN_IF_ERROR(call.service().DeleteTask(call.params[0], call.origin()));
  return Reply{204, {}, {}, {}};
}

Result<Reply> ListVersions(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto versions, call.service().Versions(call.params[0]));
  return JsonReply(VersionsJson(call.params[0], versions));
}

namespace {

// An alias with its version as the ETag, so that If-Match moves it only from there.
Reply AliasReply(const service::TaskInfo& task, const std::string& alias, std::string body) {
  std::int64_t version = 0;
  for (const service::AliasInfo& known : task.aliases)
    if (known.name == alias) version = known.version;
  Reply reply = JsonReply(std::move(body));
  reply.headers.emplace_back("ETag", '"' + std::to_string(version) + '"');
  return reply;
}

}  // namespace

Result<Reply> ShowAlias(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo task, call.service().ShowTask(call.params[0]));
  for (const service::AliasInfo& alias : task.aliases)
    if (alias.name == call.params[1]) return AliasReply(task, alias.name, AliasJson(alias));
  return Status(Code::kNotFound, "alias_not_found",
                "task '" + task.name + "' has no alias '" + call.params[1].substr(0, 200) + "'");
}

Result<Reply> SetAlias(const Call& call) {
  CTT_ASSIGN_OR_RETURN(service::AliasChange change, ParseAliasChange(call.params[1], call.body));
  CTT_ASSIGN_OR_RETURN(change.must_be_at, ParseIfMatch(call.head.if_match));
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo task,
                       call.service().SetAlias(call.params[0], change, call.origin()));
  return AliasReply(task, change.alias, TaskJson(task));
}

Result<Reply> RemoveAlias(const Call& call) {
  CTT_RETURN_IF_ERROR(
      call.service().RemoveAlias(call.params[0], call.params[1], call.origin()).status());
  return Reply{204, {}, {}, {}};
}

}  // namespace ctt::http
