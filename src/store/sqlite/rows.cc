#include "store/sqlite/rows.h"

#include <string>

#include "store/log_rules.h"

namespace ctt::store {

Result<Seq> ReadLastSeq(Connection& connection, TaskId task) {
  Statement row = connection.Use("SELECT last_seq FROM task WHERE id = ?1", task);
  CTT_ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return NoSuchTask(task);
  return row.Int(0);
}

void ReadExample(const Statement& row, Example& example) {
  example.seq = row.Int(0);
  example.deleted_seq = row.Int(1);
  example.label = row.Int(2);
  example.time_us = row.Int(3);
  example.id = row.Bytes(4);
  example.source = row.Bytes(5);
  example.target = row.Bytes(6);
  const std::string_view phi = row.Bytes(7);
  example.phi.assign(phi.begin(), phi.end());
  if (row.IsNull(8)) {
    example.text.reset();
  } else {
    example.text = row.Text(8);
  }
}

Result<std::optional<Example>> ReadLiving(Connection& connection, TaskId task,
                                          std::string_view id) {
  Statement row = connection.Use("SELECT " CTT_EXAMPLE_COLUMNS
                                 ", phi, text FROM example"
                                 " WHERE task = ?1 AND id = ?2 AND deleted_seq = 0",
                                 task, id);
  CTT_ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::optional<Example>();
  Example example;
  ReadExample(row, example);
  return std::optional<Example>(std::move(example));
}

}  // namespace ctt::store
