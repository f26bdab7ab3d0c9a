#pragma once
// The natural logarithm with the same bits on every CPU: the C library picks other code by CPU, and
// its last bit with it. Within 1 ulp or so; x positive, finite and not subnormal. Threads: pure.
#include <cmath>

namespace ctt::learn {

// ln 2 in two parts; the first has trailing zeros, so that its products with exponents are exact.
inline constexpr double kLn2High = 6.93147180369123816490e-01;
inline constexpr double kLn2Low = 1.90821492927058770002e-10;

// x = 2^e f with f in [sqrt(1/2), sqrt(2)); log f = 2 atanh(s), s = (f - 1) / (f + 1), |s| <=
// 0.1716: the series in s^2 <= 0.0295 leaves less than 2^-56 after eleven terms.
inline double Log(double x) {
  int exponent = 0;
  double f = std::frexp(x, &exponent);
  if (f < 0.70710678118654752) {
    f *= 2;
    --exponent;
  }
  const double s = (f - 1) / (f + 1);
  const double s2 = s * s;
  double series = 1.0 / 21;
  for (int k = 19; k >= 3; k -= 2) series = std::fma(series, s2, 1.0 / k);
  const double tail = 2 * s * s2 * series;
  return std::fma(exponent, kLn2High, std::fma(2, s, std::fma(exponent, kLn2Low, tail)));
}

}  // namespace ctt::learn
