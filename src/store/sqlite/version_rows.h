#pragma once
// Head versions as rows.
#include <optional>

#include "store/sqlite/connection.h"
#include "store/store.h"

namespace ctt::store {

Status InsertVersion(Connection& connection, TaskId task, const Version& version);
Result<std::vector<Version>> ReadVersions(Connection& connection, TaskId task);  // Rising number.
Result<std::optional<Version>> ReadVersion(Connection& connection, TaskId task,
                                           std::int64_t number);
Result<std::optional<Version>> ReadLatestVersion(Connection& connection, TaskId task);

}  // namespace ctt::store
