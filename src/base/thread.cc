#include "base/thread.h"

#include <pthread.h>
#include <sys/resource.h>

namespace ctt {
namespace {

constexpr int kNiceness = 10;

}  // namespace

void NameThread(const char* name) { pthread_setname_np(pthread_self(), name); }

// On Linux, 0 is the calling thread, not its process.
void YieldToAnswers() { setpriority(PRIO_PROCESS, 0, kNiceness); }

}  // namespace ctt
