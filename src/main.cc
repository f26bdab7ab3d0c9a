#include "cli/command_line.h"

int main(int argc, char** argv) { return ctt::cli::Main(argc, argv); }
