#pragma once
// The command line of ctt: arguments -> one command -> exit code. 0 done, 1 failed, 2 wrong usage.
namespace ctt::cli {

int Main(int argc, char** argv);

}  // namespace ctt::cli
