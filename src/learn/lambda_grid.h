#pragma once
// The ridges that head A and its kin try, relative to the mean eigenvalue of the total scatter.
#include <array>

namespace ctt::learn {

// 10^-5 .. 10^2 in half steps.
inline constexpr std::array<double, 15> kLambdas = {
    1e-5, 3.1622776601683795e-5, 1e-4, 3.1622776601683794e-4, 1e-3, 3.1622776601683794e-3,
    1e-2, 3.1622776601683794e-2, 1e-1, 3.1622776601683794e-1, 1,    3.1622776601683795,
    10,   31.622776601683793,    100};

// From a middle value downhill on either side, one step at a time. try_lambda(lambda) answers
// whether it is the best so far.
template <typename Try>
void WalkDownhill(const Try& try_lambda) {
  constexpr int kFirst = 8;
  try_lambda(kLambdas[kFirst]);
  for (int at = kFirst - 1; at >= 0 && try_lambda(kLambdas[at]);) --at;
  for (int at = kFirst + 1; at < static_cast<int>(kLambdas.size()) && try_lambda(kLambdas[at]);)
    ++at;
}

}  // namespace ctt::learn
