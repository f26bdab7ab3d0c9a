#pragma once
// Router: which task a text is for, when the caller does not know. Tasks are the classes of one
// head A, made from the tasks' own sums: N, S and G of a task as one class, added up. The prior is
// uniform, since how much a task has learned says nothing about how often it is asked. Block,
// lambda and temperature by leave-one-out over a few rows of each task, so that the confidence is
// calibrated. Source: METHOD, section 6 (tasks as classes lose 0.5 points against all labels of all
// tasks, with a head a twentieth of the size).
//
// A pure function of the tasks' example sets. Threads: pure functions.
#include <string>
#include <vector>

#include "learn/solve.h"

namespace ctt::learn {

// Adds the sums of one task to those of the router, as the class `name`. REQUIRES: no class of
// `router` has that name. kInvalidArgument: D differs.
Status AddTask(const Statistics& task, const std::string& name, Statistics& router);

// The features [count, D] of the rows that judge the router for one task: those of least content
// hash. kInvalidArgument: as OrderRows.
Result<std::vector<std::int8_t>> RouterSample(const Statistics& task, const Rows& rows,
                                              std::size_t count_max);

// The head whose labels are the classes of `router`. `sample` holds rows of them, labels by class
// name. kFailedPrecondition: no task. REQUIRES: the rows were added.
Result<Head> FitRouter(const Statistics& router, const Rows& sample);

}  // namespace ctt::learn
