// Team.h: the threads of a context at work on one kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A time loop hands out a kernel every few microseconds, and a thread that
// sleeps takes longer to wake. So members look for the next kernel for a while
// before they sleep, and nobody waits for one that has not begun: the caller
// does whatever is left.
//
// Tasks have homes: member m of n begins with the m-th part of them. The same
// columns of a weight are then read by the same processor in each step, out of
// its own cache. Who has nothing left takes from the far end of another's part.
// Results do not depend on who did what: every task does all of its own work.
#ifndef RNNC_LIB_RUNTIME_TEAM_H
#define RNNC_LIB_RUNTIME_TEAM_H

#include <pthread.h>
#include <stdint.h>

namespace rnnc::rt {

using TaskBody = void (*)(void *, int64_t);

struct Team;

/// A member's part of a job. Threads look at no line in which more than one
/// word is about to change: each look would take it from whoever writes.
struct alignas(64) TeamShare {
  /// The tasks that are left: the job's number, the first task and the one
  /// behind the last, in one word that changes as a whole.
  uint64_t left;
  TaskBody body;
  void *data;
  int64_t base; ///< index of the first task
  Team *team;
  alignas(64) uint64_t done; ///< tasks that the member has done, of all jobs
};

struct Team {
  int32_t busy;      ///< a call has the team
  int32_t members;   ///< the caller and the threads
  uint64_t given;    ///< tasks of all jobs
  TeamShare *shares; ///< of each member
  pthread_t *handles;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  alignas(64) uint64_t job;     ///< the last one's number
  alignas(64) int32_t sleeping; ///< threads
  int32_t stop;
};

/// A team of up to `members` with the caller as the first, null if there is no
/// memory or no thread. Fewer threads than asked for change the time, never the
/// result.
Team *startTeam(int32_t members);

/// Ends the threads and frees the team.
void finishTeam(Team *team);

/// Frees what a process has of a team whose threads it has not: after a fork.
void forgetTeam(Team *team);

/// Whether all threads look for work.
bool isAwake(const Team *team);

/// Does `body(data, i)` for each i in [0, count); false, with nothing done, if
/// another call has the team.
bool runOnTeam(Team *team, int64_t count, TaskBody body, void *data);

} // namespace rnnc::rt

#endif // RNNC_LIB_RUNTIME_TEAM_H
