/*
 * Admission: how jobs take their locks, give way, take over what a dead job left, and give back.
 *
 * Three jobs want two objects, `a` and `b`, and the prefix `p` that both are under; which job wants what is set by
 * TARGETS1..3 and SOURCES1..3 (bits A, B, P). A lock is an object in storage: an owner and a generation. Every request
 * to storage or to Temporal is one atomic step; between any two of them everybody else may go on, and whoever is
 * stopped (SIGSTOP) is simply not chosen. A request of which the answer is lost has happened, and its sender goes on as
 * if it knew nothing.
 *
 * ENDING: bits of the jobs that Temporal may end by force, at any moment; their attempts go on all the same.
 * LOSING: bits of the jobs whose answers from storage may be lost.
 * SECOND: the job whose admission may be tried again while its first attempt, given up by Temporal, still goes on.
 * LATE: its first two attempts are local activities, of which nothing tells whether it is given up: a workflow task that
 * comes late begins one when the job is another worker's.
 * PROMPT: nobody's two seconds of trying again run out: what somebody is sure to get through for.
 *
 * docs/architecture.md, "The protocols as a model", says which function each step is.
 */

#ifndef TARGETS1
#define TARGETS1 (A | B)
#define TARGETS2 (A | B)
#define TARGETS3 P
#endif
#ifndef SOURCES1
#define SOURCES1 0
#endif
#ifndef SOURCES2
#define SOURCES2 0
#endif
#ifndef SOURCES3
#define SOURCES3 0
#endif
#ifndef ENDING
#define ENDING 0
#endif
#ifndef LOSING
#define LOSING 0
#endif
#ifndef SECOND
#define SECOND 0
#endif

#ifndef LATE
#define LATE 0
#endif

#define A 1
#define B 2
#define P 4
#define LOCKS 3                      /* places of locks: 0 is on a, 1 on b, 2 on p */
#define BIT(i) (1 << (i))
#define NOBODY 4

#define TARGETS(j) ((j) == 1 -> (TARGETS1) : ((j) == 2 -> (TARGETS2) : (TARGETS3)))
#define SOURCES(j) ((j) == 1 -> (SOURCES1) : ((j) == 2 -> (SOURCES2) : (SOURCES3)))

/* All that a set of places shares an object with. */
#define AROUND(set) ((set) | (((set) & P) -> (A | B) : 0) | (((set) & (A | B)) -> P : 0))

/* Both may not go on: they write the same, or each reads what the other writes. */
#define CONFLICT(j, k) \
    (((AROUND(TARGETS(j)) & TARGETS(k)) != 0) || \
     ((AROUND(SOURCES(j)) & TARGETS(k)) != 0 && (AROUND(SOURCES(k)) & TARGETS(j)) != 0))

/* Where it looks once its own locks are made: the prefix, objects under its prefixes, its sources. */
#define LOOKED_AT(j) \
    ((AROUND(SOURCES(j)) | ((TARGETS(j) & P) -> (A | B) : 0) | ((TARGETS(j) & (A | B)) -> P : 0)))

/* Storage: nobody (0) or the job that a lock names, and its generation, which never comes back. */
byte owner[LOCKS];
byte generation[LOCKS];
bool marked;                         /* prefix-locks/{bucket}: the bucket may have prefix locks */

/* Temporal. */
bool runs[4] = true;
byte current[4];                     /* the attempt whose answer counts */
bool decided[4];
bool admitted[4];
bool begunBefore[4];                 /* a local attempt has found another one's work: a task is to decide */
bool writes[4];                      /* it was admitted, and has not begun to release */

/* What a job knows of its locks: the generations that its last attempt to be admitted told of. */
byte recorded[12];                   /* of job j on place i: recorded[3 * j + i] */

#define STANDS(j, i) (owner[i] == (j) && generation[i] == recorded[3 * (j) + (i)])
#define HOLDS(j) \
    ((!(TARGETS(j) & A) || STANDS(j, 0)) && (!(TARGETS(j) & B) || STANDS(j, 1)) && (!(TARGETS(j) & P) || STANDS(j, 2)))

/* The attempt is a local activity. */
#define IS_LOCAL (LATE && job == SECOND && number < 3)

inline put(i) {
  owner[i] = job;
  generation[i]++;
}

/* Another job's lock is in the way; whether to give way is for the smallest correlation id among them to say. */
inline meet(who) {
  if
  :: who < rival -> rival = who
  :: else
  fi
}

/* LockSet.#take: make this lock, find it made by oneself and renew it, or take it over from a job that does not run. */
inline take(i) {
#ifndef WITHOUT_MARK
  if
  :: i == 2 && !marked -> marked = true
  :: else
  fi;
#endif
  do
  :: atomic {                        /* LockStore.acquire: create with ifGenerationMatch=0 */
#ifdef WITHOUT_CREATE_ONLY
       owner[i] != job ->
#else
       owner[i] == 0 ->
#endif
       put(i);
       if
       :: held[i] = generation[i]; break
       :: (LOSING) & BIT(job)         /* the answer is lost: next time round it finds its own lock */
       fi
     }
#ifdef WITHOUT_RENEWAL
  :: atomic { owner[i] == job -> held[i] = generation[i]; break }
#else
  :: atomic { owner[i] == job -> seen = generation[i] };
#ifndef WITHOUT_BEGINNING
     if                              /* FirstAttempt.expectOwn: what it has made itself it has in hand already */
     :: IS_LOCAL -> seen = 0; goto begun
     :: else
     fi;
#endif
#ifndef WITHOUT_LEASE
     if                              /* Lease.check, after the generation was seen: a given-up attempt goes no further */
     :: IS_LOCAL || number == current[job]
     :: !IS_LOCAL && number != current[job] -> goto givenUp
     fi;
#endif
     atomic {                        /* LockStore.renew: overwrite at the generation seen */
       if
       :: owner[i] == job && generation[i] == seen -> seen = 0; generation[i]++; held[i] = generation[i]; break
       :: else -> seen = 0           /* another attempt was faster */
       fi
     }
#endif
  :: atomic { owner[i] != 0 && owner[i] != job -> seen = generation[i]; whose = owner[i] };
     atomic {                        /* isStale: asked of Temporal */
       if
#ifndef WITHOUT_STALENESS
       :: runs[whose] -> meet(whose); seen = 0; whose = 0; break
       :: else
#else
       :: true
#endif
       fi
     };
     atomic {                        /* LockStore.takeOver: overwrite at the generation seen */
       whose = 0;
       if
#ifdef WITHOUT_TAKEOVER_GENERATION
       :: true ->
#else
       :: owner[i] != 0 && generation[i] == seen ->
#endif
          seen = 0;
          put(i);
          if
          :: held[i] = generation[i]; break
          :: (LOSING) & BIT(job)
          fi
#ifndef WITHOUT_TAKEOVER_GENERATION
       :: else -> seen = 0           /* another contender was faster */
#endif
       fi
     }
  od
}

/* LockSet.#lookAround, at one place: another job's lock is in the way while its job runs; a stale one that overlaps is removed. */
inline look(i) {
  if
  :: (LOOKED_AT(job) & BIT(i)) ->
     if
     :: atomic { owner[i] == 0 || owner[i] == job || (i == 2 && !marked) }
     :: atomic { owner[i] != 0 && owner[i] != job && (i != 2 || marked) -> seen = generation[i]; whose = owner[i] };
        atomic {
          if
          :: runs[whose] -> meet(whose); seen = 0
          :: else
          fi;
          whose = 0
        };
        if
        :: seen != 0 && (AROUND(TARGETS(job)) & BIT(i)) ->
           atomic {
#ifndef WITHOUT_REMOVAL_GENERATION
             if
             :: generation[i] == seen -> owner[i] = 0
             :: else
             fi;
#else
             owner[i] = 0;
#endif
             seen = 0
           }
        :: else -> seen = 0
        fi
     fi
  :: else
  fi
}

inline makeAll() {
  if
  :: (TARGETS(job) & A) && held[0] == 0 -> take(0)
  :: else
  fi;
  if
  :: (TARGETS(job) & B) && held[1] == 0 -> take(1)
  :: else
  fi;
  if
  :: (TARGETS(job) & P) && held[2] == 0 -> take(2)
  :: else
  fi
}

inline lookAround() {
  look(2);
  look(0);
  look(1)
}

/* LockStore.release: delete at one's own generation. */
inline release(i, own) {
  atomic {
    if
#ifdef WITHOUT_RELEASE_GENERATION
    :: own != 0 -> owner[i] = 0
#else
    :: own != 0 && owner[i] != 0 && generation[i] == own -> owner[i] = 0
#endif
    :: else
    fi;
    own = 0
  }
}

/* A refused attempt gives back what it holds, at the generations that it made: what another attempt renewed it is not. */
inline giveBack(i) {
  atomic {
    if
    :: held[i] != 0 && owner[i] != 0 && generation[i] == held[i] -> owner[i] = 0
    :: else
    fi;
    held[i] = 0
  }
}

/* LockSet.#hasPrecedence: it holds something, and all that is in the way is younger, by correlation id. */
#ifdef WITHOUT_PRECEDENCE
#define PRECEDES false
#else
#define PRECEDES (job < rival && (held[0] | held[1] | held[2]) != 0)
#endif

/* Its two seconds are over at any time, but in PROMPT. */
#ifdef PROMPT
#define GIVES_UP (!PRECEDES)
#else
#define GIVES_UP true
#endif

/* One attempt of admitJob, as far as locks go: LockSet.takeAll. */
proctype attempt(byte job; byte number) {
  byte held[LOCKS];
  byte rival, seen, whose;
  do
  :: rival = NOBODY;
#ifdef WITHOUT_LOOKING_AFTER
     lookAround();
     makeAll();
#else
     makeAll();
     lookAround();
#endif
     if
     :: rival == NOBODY -> break
     :: rival != NOBODY && PRECEDES -> skip
     :: rival != NOBODY && GIVES_UP -> goto refused
     fi
  od;
  goto told;
refused:
  giveBack(0);
  giveBack(1);
  giveBack(2);
told:
  atomic {
    if
    :: runs[job] && number == current[job] && !decided[job] ->
       decided[job] = true;
       if
       :: rival == NOBODY ->
          admitted[job] = true;
          recorded[3 * job] = held[0];
          recorded[3 * job + 1] = held[1];
          recorded[3 * job + 2] = held[2]
       :: else
       fi
    :: else
    fi;
    held[0] = 0; held[1] = 0; held[2] = 0; rival = 0
  }
  goto over;
begun:                               /* LockSet.undo; beginLocally */
  giveBack(0);
  giveBack(1);
  giveBack(2);
  atomic {
    if
    :: runs[job] && number == current[job] && !decided[job] -> begunBefore[job] = true
    :: else
    fi
  };
givenUp:
  atomic { held[0] = 0; held[1] = 0; held[2] = 0; rival = 0; seen = 0 };
over:
  skip
}

/* The workflow copyFiles: decides by an attempt, writes (writing.pml), releases, ends. */
proctype workflow(byte job) {
  atomic { current[job] = 1; run attempt(job, 1) };
  do
  :: atomic { job == SECOND && current[job] == 1 && !decided[job] -> current[job] = 2; run attempt(job, 2) }
  :: atomic { begunBefore[job] && !decided[job] -> begunBefore[job] = false; current[job] = 3; run attempt(job, 3) }
  :: decided[job] || !runs[job] -> break
  od;
  if
  :: atomic { runs[job] && admitted[job] -> writes[job] = true };
     atomic { writes[job] = false; release(0, recorded[3 * job]) };
     release(1, recorded[3 * job + 1]);
     release(2, recorded[3 * job + 2])
  :: !runs[job] || !admitted[job]
  fi;
  runs[job] = false
}

/* Somebody ends a job in Temporal, or lets it be. */
proctype force(byte job) {
  if
  :: runs[job] = false
  :: skip
  fi
}

/* No two jobs that conflict hold their locks at once, both being at their files. */
#define AT_WORK(j) (runs[j] && writes[j])
#define BOTH(j, k) (AT_WORK(j) && AT_WORK(k) && CONFLICT(j, k))
#define HAS_LOST(j) (AT_WORK(j) && !HOLDS(j))

bool two_holders, lock_lost, nobody_through;

active proctype monitor() {
end:
  atomic {
    if
    :: (BOTH(1, 2) || BOTH(1, 3) || BOTH(2, 3)) -> two_holders = true; assert(!two_holders)
    :: (HAS_LOST(1) || HAS_LOST(2) || HAS_LOST(3)) -> lock_lost = true; assert(!lock_lost)
#ifdef PROMPT
    :: (decided[1] && decided[2] && decided[3] && !admitted[1] && !admitted[2] && !admitted[3]) ->
       nobody_through = true; assert(!nobody_through)
#endif
    fi
  }
}

init {
  atomic {
    run workflow(1);
    run workflow(2);
    run workflow(3);
    if
    :: (ENDING) & BIT(1) -> run force(1)
    :: else
    fi;
    if
    :: (ENDING) & BIT(2) -> run force(2)
    :: else
    fi;
    if
    :: (ENDING) & BIT(3) -> run force(3)
    :: else
    fi
  }
}
