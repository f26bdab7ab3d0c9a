#pragma once
// LeftOut: what head A of a task says about each of its rows, had it never seen that row:
// calibrated probabilities from exact leave-one-out distances (leave_one_out.h). Threads: a value;
// share as const.
#include <cstdint>
#include <span>
#include <vector>

#include "learn/head.h"
#include "learn/row_order.h"
#include "learn/scatter.h"

namespace ctt::learn {

class LeftOut {
 public:
  // Rows that are alone in their label have no leave-one-out answer and are dropped: it may come
  // out empty. `settings` give lambda, temperature and prior. REQUIRES: rows and scatter of the
  // same statistics; scatter of settings.block.
  LeftOut(const Scatter& scatter, const std::vector<Row>& rows, Columns columns,
          const Settings& settings);

  std::size_t size() const { return rows_.size(); }
  const Row& row(std::size_t i) const { return rows_[i]; }
  // [C], classes in content order.
  std::span<const double> Probabilities(std::size_t i) const {
    return {probabilities_.data() + i * class_count_, class_count_};
  }
  std::int32_t Answer(std::size_t i) const { return answers_[i]; }  // The class of the greatest.
  double Own(std::size_t i) const { return Probabilities(i)[rows_[i].label]; }
  double accuracy() const;  // REQUIRES: size() > 0, as the next.
  double log_loss() const;

 private:
  std::size_t class_count_;
  std::vector<Row> rows_;
  std::vector<double> probabilities_;  // [size, C]
  std::vector<std::int32_t> answers_;  // [size]
};

}  // namespace ctt::learn
