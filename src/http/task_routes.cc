#include "http/answers.h"
#include "http/requests.h"
#include "http/routes.h"

namespace ctt::http {

Result<Reply> ListTaskIds(const Call& call) {
  return JsonReply(TaskIdsJson(call.service().ListTasks()));
}

Result<Reply> ModelInfo(const Call& call) {
  return JsonReply(ModelJson(call.service().model(), call.server.options.version));
}

Result<Reply> ListTasks(const Call& call) {
  return JsonReply(TaskListJson(call.service().ListTasks()));
}

Result<Reply> CreateTask(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const std::string name, ParseName(call.body));
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo task, call.service().CreateTask(name));
  Reply reply = JsonReply(TaskJson(task), 201);
  reply.headers.emplace_back("Location", "/v1/tasks/" + name);  // A task name needs no escaping.
  return reply;
}

Result<Reply> ShowTask(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo task, call.service().ShowTask(call.params[0]));
  return JsonReply(TaskJson(task));
}

Result<Reply> ChangeTask(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const TaskChange change, ParseTaskChange(call.body));
  if (change.labels) {
    CTT_ASSIGN_OR_RETURN(const service::TaskInfo task,
                         call.service().EditLabels(call.params[0], *change.labels));
    return JsonReply(TaskJson(task));
  }
  CTT_RETURN_IF_ERROR(call.service().RenameTask(call.params[0], change.name));
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo task, call.service().ShowTask(change.name));
  return JsonReply(TaskJson(task));
}

Result<Reply> DeleteTask(const Call& call) {
  CTT_RETURN_IF_ERROR(call.service().DeleteTask(call.params[0]));
  return Reply{204, {}, {}, {}};
}

Result<Reply> ListVersions(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto versions, call.service().Versions(call.params[0]));
  return JsonReply(VersionsJson(call.params[0], versions));
}

Result<Reply> PublishVersion(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const std::int64_t version, ParseVersion(call.body));
  CTT_ASSIGN_OR_RETURN(const service::TaskInfo task,
                       call.service().PublishVersion(call.params[0], version));
  return JsonReply(TaskJson(task));
}

}  // namespace ctt::http
