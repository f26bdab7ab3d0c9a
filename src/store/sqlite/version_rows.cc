#include "store/sqlite/version_rows.h"

#include "store/sqlite/schema.h"

namespace ctt::store {
namespace {

#define CTT_VERSION_QUERY                                                                         \
  "SELECT number, watermark, settled, has_artifact, examples, created_us, head_digest, settings," \
  " report FROM version WHERE key BETWEEN ?1 AND ?2"

Version ReadRow(const Statement& row) {
  return {.number = row.Int(0),
          .watermark = row.Int(1),
          .settled = row.Int(2) != 0,
          .settings = row.Text(7),
          .head_digest = row.Text(6),
          .has_artifact = row.Int(3) != 0,
          .examples = row.Int(4),
          .report = row.Text(8),
          .created_us = row.Int(5)};
}

Result<std::optional<Version>> ReadOne(Statement row) {
  CTT_ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? std::optional<Version>(ReadRow(row)) : std::nullopt;
}

}  // namespace

Status InsertVersion(Connection& connection, TaskId task, const Version& version) {
  return connection.Run(
      "INSERT INTO version (key, watermark, settled, has_artifact, examples, created_us,"
      " head_digest, settings, report) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
      Key(task, version.number), version.watermark, version.settled, version.has_artifact,
      version.examples, version.created_us, version.head_digest, Blob{version.settings},
      version.report);
}

Result<std::vector<Version>> ReadVersions(Connection& connection, TaskId task) {
  Statement rows =
      connection.Use(CTT_VERSION_QUERY " ORDER BY key", Key(task, 1), Key(task, kNumberMax));
  std::vector<Version> versions;
  for (;;) {
    CTT_ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return versions;
    versions.push_back(ReadRow(rows));
  }
}

Result<std::optional<Version>> ReadVersion(Connection& connection, TaskId task,
                                           std::int64_t number) {
  if (number < 1 || number > kNumberMax) return std::optional<Version>();
  return ReadOne(connection.Use(CTT_VERSION_QUERY, Key(task, number), Key(task, number)));
}

Result<std::optional<Version>> ReadLatestVersion(Connection& connection, TaskId task) {
  return ReadOne(connection.Use(CTT_VERSION_QUERY " ORDER BY key DESC LIMIT 1", Key(task, 1),
                                Key(task, kNumberMax)));
}

}  // namespace ctt::store
