# ctt_layer(NAME DEPENDS [room...] PACKAGES [target...])
#
# Makes the static library ctt_NAME of src/NAME. A room may include its own headers and those of the
# rooms in DEPENDS; any other quoted include stops the configuration with the line that holds it. Each
# header is also compiled alone (target all_verify_interface_header_sets).
function(ctt_layer name)
  cmake_parse_arguments(arg "" "" "DEPENDS;PACKAGES" ${ARGN})
  set(folder ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${folder}/*.cc)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${folder}/*.h)
  file(GLOB_RECURSE bodies CONFIGURE_DEPENDS ${folder}/*.inc)
  if(NOT sources)
    return()
  endif()

  foreach(file IN LISTS sources headers bodies)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(STRINGS ${file} includes REGEX "^[ \t]*#[ \t]*include[ \t]+\"")
    foreach(line IN LISTS includes)
      string(REGEX MATCH "\"([^/\"]+)/" _ "${line}")
      if(NOT CMAKE_MATCH_1 IN_LIST arg_DEPENDS AND NOT CMAKE_MATCH_1 STREQUAL name)
        file(RELATIVE_PATH where ${CMAKE_SOURCE_DIR} ${file})
        message(FATAL_ERROR "${where}: ${line}\n  src/${name} may include only: ${name};${arg_DEPENDS} (see src/README.md)")
      endif()
    endforeach()
  endforeach()

  add_library(ctt_${name} STATIC ${sources})
  target_sources(ctt_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR}/src FILES ${headers})
  target_include_directories(ctt_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  list(TRANSFORM arg_DEPENDS PREPEND ctt_ OUTPUT_VARIABLE libraries)
  target_link_libraries(ctt_${name} PUBLIC ${libraries} ${arg_PACKAGES})
  ctt_isa_flags(${sources})
endfunction()

# A kernel body is compiled once per instruction set, in a file whose name ends in that set's name
# (see src/kernels/isa.h). Only these files may be built for more than the baseline CPU. They are
# optimised in every build, so that debug and sanitizer runs can afford the real model. A file of another
# architecture gets no flags; its own #if leaves it empty.
function(ctt_isa_flags)
  set(reference)
  set(avx2 -mavx2 -mfma -mf16c)
  # GCC 12 calls the undefined operands of its own AVX-512 intrinsics uninitialized (its bug 105593).
  set(avx512 ${avx2} -mavx512f -mavx512bw -mavx512vl -mavx512dq -mprefer-vector-width=512
      $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized> -Wno-uninitialized)
  set(avx512vnni ${avx512} -mavx512vnni)
  set(avxvnni ${avx2} -mavxvnni)
  set(neon -march=armv8.2-a+dotprod)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    set(native "reference|avx2|avx512|avx512vnni|avxvnni")
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
    set(native "reference|neon")
  else()
    set(native "reference")
  endif()
  foreach(file IN LISTS ARGN)
    if(file MATCHES "_(${native})\\.cc$")
      set_source_files_properties(${file} DIRECTORY ${CMAKE_SOURCE_DIR} PROPERTIES COMPILE_OPTIONS "-O3;${${CMAKE_MATCH_1}}")
    endif()
  endforeach()
endfunction()
