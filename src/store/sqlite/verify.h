#pragma once
// Checks of a whole database, beyond the page check that every read makes.
#include "store/sqlite/connection.h"

namespace ctt::store {

// Structure of the small tables (all but examples and versions): time does not grow with the log.
Status QuickVerify(Connection& connection);

// Every page, every index entry, and the rules of the log: tasks' counters, rows' tasks and labels,
// versions without gaps. kDataLoss names the first rule that is broken.
Status FullVerify(Connection& connection);

}  // namespace ctt::store
