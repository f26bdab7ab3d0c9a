#pragma once
// Which instruction set the kernels run on.
//
// A kernel family is one header FAMILY.h with a struct of function pointers and
// `const FAMILYKernels& FamilyKernels(Isa)`; its body is written once in FAMILY_body.inc and
// compiled in FAMILY_reference.cc, FAMILY_avx2.cc, FAMILY_avx512.cc, FAMILY_avx512vnni.cc,
// FAMILY_avxvnni.cc, FAMILY_neon.cc, each of which the build gives that set's flags
// (cmake/ctt_layer.cmake). Every ISA computes the same bits as the reference.
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ctt::kernels {

enum class Isa { kReference, kAvx2, kAvxVnni, kAvx512, kAvx512Vnni, kNeon };

std::string_view IsaName(
    Isa isa);  // "reference", "avx2", "avxvnni", "avx512", "avx512vnni", "neon"

// What this CPU and this build both have, slowest (kReference) first.
std::vector<Isa> PresentIsas();

// The last of PresentIsas(), or the one that CTT_FORCE_ISA names. kInvalidArgument: no such name.
// kFailedPrecondition: this CPU lacks it.
Result<Isa> ChooseIsa();

}  // namespace ctt::kernels
