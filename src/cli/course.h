#pragma once
// Course: what became of tasks that were learned one after another.
//
//   R_ij: accuracy on the test rows of task j after learning tasks 1 to i. A task that has not been
//   learned has no head and answers nothing: no row is right, R_ij = 0, and so is the baseline b_j.
//   ACC = mean_j R_Tj    BWT = mean_{j<T} (R_Tj - R_jj)    FWT = mean_{j>1} (R_{j-1,j} - b_j)
//
//   forgetting    = mean_{j<T} (max_{j<=l<T} R_lj - R_Tj)
//   intransigence = mean_j (R*_j - R_jj), R*_j the accuracy on j after learning all tasks together
//   retention     = mean_{j<T} R_Tj / R_jj, over the tasks with R_jj > 0
//
// Sources: Lopez-Paz & Ranzato 2017, section 2; Chaudhry et al. 2018 (forgetting, intransigence).
// Threads: a value.
#include <map>
#include <string>
#include <vector>

namespace ctt::cli {

struct Course {
  std::vector<std::string> order;              // Tasks by folder, T of them, T >= 1.
  std::vector<std::vector<double>> matrix;     // R, [T, T].
  std::map<std::string, std::string> digests;  // Of each task's head at the end.
  double seconds = 0;
  std::vector<double> joint;  // R*, [T]; empty when it was not measured.

  double Acc() const;
  double Bwt() const;            // 0 for one task.
  double Fwt() const;            // 0 for one task.
  double Forgetting() const;     // 0 for one task.
  double Intransigence() const;  // REQUIRES: joint is not empty.
  double Retention() const;      // 1 for one task.
};

}  // namespace ctt::cli
