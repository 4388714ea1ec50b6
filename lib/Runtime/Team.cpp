// Team.cpp: the threads of a context at work on one kernel.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Team.h"

#include "FloatState.h"
#include "Processor.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

namespace rnnc::rt {

// A thread that finds nothing to do looks so often before it gives its
// processor to others between looks, and does that for so long before it
// sleeps: guesses, some ten and some hundred microseconds.
constexpr int kLooks = 1 << 14;
constexpr int64_t kNanosecondsOfYields = 100000;
// Looks between two pauses, so that these are some hundred cycles apart: a
// virtual machine is left when they follow each other faster for long.
constexpr int kLooksAPause = 64;

/// Waits a little; `looks` counts how often in a row.
static void waitALittle(int looks) {
  if (looks >= kLooks)
    sched_yield();
  else if (looks % kLooksAPause == 0)
    pauseProcessor();
}

//===-- What is left
//---------------------------------------------------------===//

// 32 bits of the job's number, 16 each of the first task and the one behind the
// last.
constexpr int64_t kMostTasks = 0xffff;

static uint64_t leftOf(uint64_t job, uint64_t first, uint64_t end) {
  return job << 32 | first << 16 | end;
}

namespace {
/// Tasks [first, end) of a job, which no other member does.
struct Taken {
  TaskBody body;
  void *data;
  int64_t first, end;
};
} // namespace

/// Takes half of what is left of a share, its owner from the front. The job
/// that tasks were taken from is not done before they are, so what was read of
/// it before is still true then.
static bool take(TeamShare &share, bool isOwn, Taken &taken) {
  uint64_t left = __atomic_load_n(&share.left, __ATOMIC_ACQUIRE);
  for (;;) {
    uint64_t first = left >> 16 & 0xffff, end = left & 0xffff;
    if (first >= end)
      return false;
    taken.body = __atomic_load_n(&share.body, __ATOMIC_RELAXED);
    taken.data = __atomic_load_n(&share.data, __ATOMIC_RELAXED);
    int64_t base = __atomic_load_n(&share.base, __ATOMIC_RELAXED);
    uint64_t some = (end - first + 1) / 2;
    uint64_t from = isOwn ? first : end - some;
    uint64_t after = isOwn ? leftOf(left >> 32, first + some, end)
                           : leftOf(left >> 32, first, from);
    if (__atomic_compare_exchange_n(&share.left, &left, after, false,
                                    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
      taken.first = base + int64_t(from);
      taken.end = taken.first + int64_t(some);
      return true;
    }
  }
}

/// Does what is left of the job, the member's own part first.
static void work(Team &team, int32_t member) {
  int64_t done = 0;
  Taken taken;
  for (int32_t k = 0; k != team.members; ++k)
    while (take(team.shares[(member + k) % team.members], k == 0, taken)) {
      for (int64_t i = taken.first; i != taken.end; ++i)
        taken.body(taken.data, i);
      done += taken.end - taken.first;
    }
  TeamShare &own = team.shares[member];
  __atomic_store_n(&own.done, own.done + uint64_t(done), __ATOMIC_RELEASE);
}

//===-- The threads
//----------------------------------------------------------===//

static int64_t nanoseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t(now.tv_sec) * 1000000000 + now.tv_nsec;
}

/// The number of the next job than `seen`; 0 at the end.
static uint64_t nextJob(Team &team, uint64_t seen) {
  auto job = [&] { return __atomic_load_n(&team.job, __ATOMIC_SEQ_CST); };
  auto isStopped = [&] {
    return __atomic_load_n(&team.stop, __ATOMIC_SEQ_CST);
  };
  for (int looks = 0; looks != kLooks; ++looks) {
    if (uint64_t next = job(); next != seen)
      return next;
    waitALittle(looks);
  }
  // By the clock: where others want the processor, one yield can take longer
  // than all of them here.
  int64_t start = nanoseconds();
  while (!isStopped() && nanoseconds() - start < kNanosecondsOfYields) {
    if (uint64_t next = job(); next != seen)
      return next;
    sched_yield();
  }
  pthread_mutex_lock(&team.lock);
  __atomic_fetch_add(&team.sleeping, 1, __ATOMIC_SEQ_CST);
  uint64_t next;
  while ((next = job()) == seen && !team.stop)
    pthread_cond_wait(&team.wake, &team.lock);
  __atomic_fetch_sub(&team.sleeping, 1, __ATOMIC_RELAXED);
  bool stop = team.stop;
  pthread_mutex_unlock(&team.lock);
  return stop ? 0 : next;
}

static void *memberMain(void *argument) {
  auto *share = static_cast<TeamShare *>(argument);
  Team &team = *share->team;
  int32_t member = int32_t(share - team.shares);
  // A new thread has the state of the one that made it.
  kKernelFloats.set();
  for (uint64_t job = 0; (job = nextJob(team, job));)
    work(team, member);
  return nullptr;
}

/// Address space of a thread's stack: a task needs at most 32 KB, the C library
/// keeps the thread's own data there too.
constexpr size_t kStack = 256 << 10;

static bool startMember(Team &team, int32_t member) {
  TeamShare *share = &team.shares[member];
  share->team = &team;
  pthread_t *handle = &team.handles[member];
  pthread_attr_t small;
  bool made = false;
  if (!pthread_attr_init(&small)) {
    made = !pthread_attr_setstacksize(&small, kStack) &&
           !pthread_create(handle, &small, memberMain, share);
    pthread_attr_destroy(&small);
  }
  // Programs with much data of their own for each thread need more.
  return made || !pthread_create(handle, nullptr, memberMain, share);
}

Team *startTeam(int32_t members) {
  size_t shares = sizeof(TeamShare) * size_t(members);
  size_t handles = sizeof(pthread_t) * size_t(members);
  size_t bytes = (sizeof(Team) + shares + handles + 63) / 64 * 64;
  auto *team = static_cast<Team *>(aligned_alloc(64, bytes));
  if (!team)
    return nullptr;
  memset(static_cast<void *>(team), 0, bytes);
  team->shares = reinterpret_cast<TeamShare *>(team + 1);
  team->handles = reinterpret_cast<pthread_t *>(team->shares + members);
  pthread_mutex_init(&team->lock, nullptr);
  pthread_cond_init(&team->wake, nullptr);
  // Threads read how many there are with the first job, not before.
  int32_t started = 1;
  while (started < members && startMember(*team, started))
    ++started;
  team->members = started;
  if (started > 1)
    return team;
  finishTeam(team);
  return nullptr;
}

void finishTeam(Team *team) {
  pthread_mutex_lock(&team->lock);
  __atomic_store_n(&team->stop, 1, __ATOMIC_SEQ_CST);
  pthread_cond_broadcast(&team->wake);
  pthread_mutex_unlock(&team->lock);
  for (int32_t i = 1; i < team->members; ++i)
    pthread_join(team->handles[i], nullptr);
  pthread_cond_destroy(&team->wake);
  pthread_mutex_destroy(&team->lock);
  free(team);
}

void forgetTeam(Team *team) { free(team); }

//===-- The caller
//-----------------------------------------------------------===//

/// Hands out tasks [base, base + count). Shares know 32 bits of a job's number.
static void publish(Team &team, int64_t base, int64_t count, TaskBody body,
                    void *data) {
  uint64_t job = team.job + 1;
  for (int64_t m = 0; m != team.members; ++m) {
    TeamShare &share = team.shares[m];
    __atomic_store_n(&share.body, body, __ATOMIC_RELAXED);
    __atomic_store_n(&share.data, data, __ATOMIC_RELAXED);
    __atomic_store_n(&share.base, base, __ATOMIC_RELAXED);
    __atomic_store_n(&share.left,
                     leftOf(job, uint64_t(count * m / team.members),
                            uint64_t(count * (m + 1) / team.members)),
                     __ATOMIC_RELEASE);
  }
  __atomic_store_n(&team.job, job, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&team.sleeping, __ATOMIC_SEQ_CST) == 0)
    return;
  pthread_mutex_lock(&team.lock);
  pthread_cond_broadcast(&team.wake);
  pthread_mutex_unlock(&team.lock);
}

bool isAwake(const Team *team) {
  return __atomic_load_n(&team->sleeping, __ATOMIC_RELAXED) == 0;
}

static bool isDone(const Team &team) {
  uint64_t done = 0;
  for (int32_t m = 0; m != team.members; ++m)
    done += __atomic_load_n(&team.shares[m].done, __ATOMIC_ACQUIRE);
  return done == team.given;
}

bool runOnTeam(Team *team, int64_t count, TaskBody body, void *data) {
  if (__atomic_exchange_n(&team->busy, 1, __ATOMIC_ACQUIRE))
    return false;
  for (int64_t base = 0; base < count; base += kMostTasks) {
    int64_t some = count - base < kMostTasks ? count - base : kMostTasks;
    team->given += uint64_t(some);
    publish(*team, base, some, body, data);
    work(*team, 0);
    // What is not done is being done.
    for (int looks = 0; !isDone(*team); looks += looks != kLooks)
      waitALittle(looks);
  }
  __atomic_store_n(&team->busy, 0, __ATOMIC_RELEASE);
  return true;
}

} // namespace rnnc::rt
