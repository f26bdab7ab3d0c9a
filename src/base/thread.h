#pragma once
// What the system knows of a thread. Threads: each call is about the calling thread.

namespace ctt {

// The name that `top -H`, debuggers and profilers show; at most 15 characters.
void NameThread(const char* name);

// Answers go first on a busy machine: from here on the thread, and those that it makes, get a tenth
// of the time that a thread which encodes gets, where both want it. There is no way back.
void YieldToAnswers();

}  // namespace ctt
