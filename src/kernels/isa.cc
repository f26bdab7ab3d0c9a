#include "kernels/isa.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/nearest.h"

namespace ctt::kernels {
namespace {

struct IsaRow {
  Isa isa;
  std::string_view name;
  bool present;
};

std::vector<IsaRow> Table() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq");
  const bool avx512vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  // The compiler's name list lacks AVX-VNNI in GCC 12: CPUID leaf 7, subleaf 1, EAX bit 4.
  unsigned eax = 7, ebx = 0, ecx = 1, edx = 0;
  __asm__("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  const bool avxvnni = avx2 && (eax & (1u << 4)) != 0;
#else
  const bool avx2 = false, avxvnni = false, avx512 = false, avx512vnni = false;
#endif
#if defined(__aarch64__)
  const bool neon = true;
#else
  const bool neon = false;
#endif
  return {{Isa::kReference, "reference", true},         {Isa::kAvx2, "avx2", avx2},
          {Isa::kAvxVnni, "avxvnni", avxvnni},          {Isa::kAvx512, "avx512", avx512},
          {Isa::kAvx512Vnni, "avx512vnni", avx512vnni}, {Isa::kNeon, "neon", neon}};
}

}  // namespace

std::string_view IsaName(Isa isa) {
  for (const IsaRow& row : Table())
    if (row.isa == isa) return row.name;
  return "unknown";
}

std::vector<Isa> PresentIsas() {
  std::vector<Isa> isas;
  for (const IsaRow& row : Table())
    if (row.present) isas.push_back(row.isa);
  return isas;
}

Result<Isa> ChooseIsa() {
  const char* forced = std::getenv("CTT_FORCE_ISA");  // NOLINT(concurrency-mt-unsafe): read only.
  if (forced == nullptr || *forced == '\0') return PresentIsas().back();
  std::vector<std::string> names;
  for (const IsaRow& row : Table()) {
    if (row.name == forced && row.present) return row.isa;
    if (row.name == forced)
      return FailedPrecondition("CTT_FORCE_ISA=" + std::string(forced) + ": this CPU lacks it");
    names.emplace_back(row.name);
  }
  return InvalidArgument("CTT_FORCE_ISA=" + std::string(forced) + " is no instruction set" +
                         DidYouMean(forced, names));
}

}  // namespace ctt::kernels
