/*
 * The claim on a correlation id, and deciding ahead: locks are made while the claim is made, and while it is still being
 * read by what collections the job is decided.
 *
 * Two executions have the same correlation id; Temporal starts the second once the first does not run any more (it was
 * ended by force, or forgotten), but attempts of the first may go on. The record is an object: whose the id is, where its
 * files are to be (0: it has none), and a generation. A job writes to a place, and a lock on it is an owner and a generation.
 * Its caller has access to the first place, or to the second, where the collection was moved to, or to none; that CHANGES
 * as often as it says. An attempt foresees the first place, where its worker has read the collections a moment ago. Every
 * request is one atomic step, those of one attempt in any order that they may have.
 *
 * DIES: an attempt may end at any point, or its requests fail, once the record says where its lock is; the next one follows
 * it. One whose lock was made, and that ends before, may leave that where access is then withdrawn: nothing tells of it, and
 * it is stale once the execution has ended.
 * SECOND: an attempt may be given up, and goes on beside the next one. What it makes then is stale at the end, too.
 */

#ifndef CHANGES
#define CHANGES 1
#endif
#ifndef DIES
#define DIES 1
#endif
#ifndef SECOND
#define SECOND 0
#endif
#ifndef ATTEMPTS
#define ATTEMPTS 3
#endif
#ifndef EXECUTIONS
#define EXECUTIONS 2
#endif

#define NO_PLACE 0
#define UNREAD 3

/* The record: jobs/{correlationId}/job.json. */
byte claimant, place, revision;
bool closed;

/* Locks on the two places: nobody (0) or an execution, and its generation. */
byte owner[2], generation[2];

/* Where the collection is that the caller may write: it is read at any moment, and changes at any moment. */
byte granted = 1;

/* Temporal. */
bool runs[3], began[3], decided[3];
byte current[3];                     /* the attempt whose answer counts */
byte under_way[3];                   /* attempts that have not ended */
bool dead[3];                        /* the attempt that counts has ended without an answer */

/* What an execution was told. */
bool decides[3];                     /* the id is its own: it is decided by its own verdict */
bool holds[3];                       /* it was admitted, and has not begun to release */
byte held_at[3], held_as[3];

/* LockStore.release, at a generation. */
inline release(i, own) {
  if
  :: own != 0 && owner[i] == job && generation[i] == own -> owner[i] = 0
  :: else
  fi
}

#ifdef WITHOUT_LEASE
#define IN_TIME true
#else
#define IN_TIME (number == current[job])
#endif

/* One attempt of admitJob: decideAhead, claimJob, takeLocks. */
proctype attempt(byte job; byte number) {
  byte by, read = UNREAD;            /* what it is decided by, and what was read */
  byte claim, mine;                  /* steps of the claim; 1: the id is its own, 2: another one's */
  byte take, held;                   /* steps of the lock; the generation that it has made */
  byte seen, earlier, left, at;      /* what was read of the record, and of locks */
  bool over_take;                    /* the lock was taken, or is not to be */

  if
  :: by = 1                          /* foreseeAccess */
  :: atomic { read = granted; by = read }
  fi;
decide:
  over_take = (by == NO_PLACE);
  do
  :: atomic { read == UNREAD -> read = granted }

  /* claimJob: create the record, or find whose it is. */
  :: atomic { claim == 0 ->
       if
#ifdef WITHOUT_CREATE_ONLY
       :: claimant != job ->
#else
       :: claimant == 0 ->
#endif
          claimant = job; place = by; revision++; mine = 1; claim = 9
       :: else -> claim = 1
       fi
     }
  :: atomic { claim == 1 ->
       if
       :: claimant != job || closed -> mine = 2; claim = 9
       :: claimant == job && !closed && place == by -> mine = 1; claim = 9
       :: else -> earlier = place; seen = revision; claim = 2
       fi
     }
  /* releaseLeft: what was made for the record that is replaced, once one's own lock is there. */
  :: atomic { claim == 2 && over_take ->
#ifdef WITHOUT_CLEARING_UP
       claim = 5
#else
       if
       :: earlier != NO_PLACE && owner[earlier - 1] == job -> left = generation[earlier - 1]; claim = 3
       :: else -> claim = 5
       fi
#endif
     }
  :: atomic { claim == 3 ->
       if
       :: IN_TIME -> claim = 4
       :: else -> goto ended
       fi
     }
  :: atomic { claim == 4 -> release(earlier - 1, left); left = 0; claim = 5 }
  :: atomic { claim == 5 ->
       if
       :: IN_TIME -> claim = 6
       :: else -> goto ended
       fi
     }
  :: atomic { claim == 6 ->          /* replace the record at the generation seen */
       if
       :: revision == seen -> place = by; revision++; mine = 1; claim = 9
       :: else -> goto ended
       fi
     }

  /* LockSet.#take */
  :: atomic { take == 0 && !over_take ->
       if
       :: owner[by - 1] == 0 -> owner[by - 1] = job; generation[by - 1]++; held = generation[by - 1]; over_take = true
       :: owner[by - 1] == job -> at = generation[by - 1]; take = 1
       :: owner[by - 1] != 0 && owner[by - 1] != job ->
          if
          :: runs[owner[by - 1]] -> over_take = true
          :: else -> at = generation[by - 1]; take = 2
          fi
       fi
     }
  :: atomic { take == 1 && !over_take ->
       if
       :: IN_TIME -> take = 2
       :: else -> goto ended
       fi
     }
  :: atomic { take == 2 && !over_take ->
       if
       :: owner[by - 1] != 0 && generation[by - 1] == at ->
          owner[by - 1] = job; generation[by - 1]++; held = generation[by - 1]; over_take = true
       :: else -> take = 0
       fi
     }

  :: mine != 0 && over_take && read != UNREAD -> break
  :: DIES && claimant == job && place == by -> goto ended
  od;

#ifndef WITHOUT_READING
  if
  :: mine == 1 && read != by ->      /* it rests on what did not hold: decided anew, by what was read */
     atomic { by = read; claim = 0; mine = 0; take = 0; held = 0; at = 0 };
     goto decide
  :: else
  fi;
#endif

  atomic {
    if
#ifndef WITHOUT_GIVING_BACK
    :: mine == 2 && held != 0 -> release(by - 1, held)
#endif
    :: else
    fi;
    if
    :: runs[job] && number == current[job] && !decided[job] ->
       decided[job] = true;
       decides[job] = (mine == 1);
       if
       :: mine == 1 && held != 0 ->
          assert(by == read);        /* nobody is admitted by what is only foreseen */
          holds[job] = true; held_at[job] = by - 1; held_as[job] = held
       :: else
       fi
    :: else
    fi;
    under_way[job]--
  }
  goto over;
ended:
  atomic {
    under_way[job]--;
    if
    :: number == current[job] && !decided[job] -> dead[job] = true
    :: else
    fi
  }
over:
  skip
}

/* The workflow copyFiles: has it decided, writes and releases where it was admitted, closes the record, ends. */
proctype workflow(byte job) {
  atomic { runs[job] = true; began[job] = true; current[job] = 1; under_way[job] = 1; run attempt(job, 1) };
  do
  :: atomic { runs[job] && !decided[job] && (dead[job] || SECOND) && current[job] < ATTEMPTS ->
       dead[job] = false; current[job]++; under_way[job]++; run attempt(job, current[job]) }
  :: decided[job] || !runs[job] || (dead[job] && current[job] == ATTEMPTS) -> break
  od;
  if
  :: atomic { runs[job] && decided[job] && holds[job] ->
       holds[job] = false;
       release(held_at[job], held_as[job]) }
  :: !(decided[job] && holds[job]) || !runs[job]
  fi;
  atomic {
    if
    :: runs[job] && decides[job] && claimant == job -> closed = true; revision++
    :: else
    fi;
    runs[job] = false
  }
}

#define HAS_LEFT(j) \
    (decided[j] && !runs[j] && !holds[j] && under_way[j] == 0 && (owner[0] == (j) || owner[1] == (j)))
#define HAS_LOST(j) \
    (runs[j] && holds[j] && !(owner[held_at[j]] == (j) && generation[held_at[j]] == held_as[j]))

bool two_deciders, lock_left, lock_lost;

active proctype monitor() {
end:
  atomic {
    if
    :: decides[1] && decides[2] -> two_deciders = true; assert(!two_deciders)
    :: (HAS_LOST(1) || HAS_LOST(2)) -> lock_lost = true; assert(!lock_lost)
#if !SECOND
    :: (HAS_LEFT(1) || HAS_LEFT(2)) -> lock_left = true; assert(!lock_left)
#endif
    fi
  }
}

/* Whoever keeps the collections changes one. */
proctype keeper() {
  byte times;
  do
  :: times < CHANGES -> atomic { times++; granted = 0 }
  :: times < CHANGES -> atomic { times++; granted = 1 }
  :: times < CHANGES -> atomic { times++; granted = 2 }
  :: break
  od
}

/* Somebody ends the first execution in Temporal, or lets it be. */
proctype force() {
  if
  :: atomic { runs[1] -> runs[1] = false }
  :: skip
  fi
}

init {
  atomic { run keeper(); run workflow(1); run force() };
#if EXECUTIONS > 1
  atomic { began[1] && !runs[1] -> run workflow(2) }
#endif
}
