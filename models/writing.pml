/*
 * Writing: three jobs, one after the other, write the objects that one lock is on (a prefix lock on OBJECTS of them),
 * while attempts of earlier jobs, stopped at any point, go on at any later one. That one job at a time gets the lock is
 * what admission.pml shows; here a job takes it where nobody holds it, or its holder does not run any more.
 *
 * Every request is one atomic step, and any time may pass between two of them. The lease (activities/locks/lease.ts) is a
 * clock's word, and is left out: all that is shown here holds without it. Any job may be ended by force; it is then
 * fenced, looked at, and settled, at the same time as the next job goes on. Of SECOND, every file is tried twice at the
 * same time: the first attempt was given up, and goes on.
 */

#ifndef OBJECTS
#define OBJECTS 2
#endif
#ifndef SECOND
#define SECOND 1
#endif
#ifndef TRIES
#define TRIES 2
#endif
#ifndef JOBS
#define JOBS 3
#endif
#define AT(j, o) (OBJECTS * (j) + (o))

/* The lock: nobody (0) or its owner, and its generation. */
byte owner, generation;

/* The objects: whose content is there, and its generation. */
byte writer[OBJECTS], version[OBJECTS];

/* Jobs, in the order in which they get the lock; the generation of it that each knows. */
byte recorded[4], last;
bool runs[4];
bool settled[4];                     /* reconcile has looked at its files */
byte writes[4 * OBJECTS];
bool completed[4 * OBJECTS];

/* LockStore.isHeld */
inline seeLock() {
  atomic {
    if
    :: owner == job && generation == recorded[job] -> assert(!settled[job])
#ifdef WITHOUT_LOCK_CHECK
    :: else
#else
    :: else -> goto lost
#endif
    fi
  }
}

/* copyFile, or a file of copyChunk: read, look at the lock, write at the generation read; a refusal or a lost answer begins anew. */
proctype attempt(byte job; byte o) {
  byte pin, tries;
  do
  ::
#ifdef WITHOUT_LOOKING_AFTER_READING
     seeLock();
#endif
     atomic {
#ifndef WITHOUT_OWN_COPY
       if
       :: writer[o] == job -> completed[AT(job, o)] = true; goto lost
       :: else
       fi;
#endif
       pin = version[o]
     };
#ifndef WITHOUT_LOOKING_AFTER_READING
     seeLock();
#endif
     atomic {
       if
#ifdef WITHOUT_PIN
       :: true ->
#else
       :: version[o] == pin ->
#endif
          assert(writer[o] <= job);  /* never an older write over a newer job's */
          writer[o] = job;
          version[o]++;
          writes[AT(job, o)]++;
          assert(writes[AT(job, o)] == 1);                            /* and no file twice */
          if
          :: completed[AT(job, o)] = true; goto lost
          :: skip                    /* the answer is lost */
          fi
#ifndef WITHOUT_PIN
       :: else
#endif
       fi;
       tries++;
       if
       :: tries == TRIES -> goto lost
       :: else
       fi
     }
  od;
lost:
  atomic { pin = 0; tries = 0 }
}

/* A job from its lock to its end, or to where it is ended by force; its attempts know nothing of that. */
proctype workflow(byte job) {
  byte o;
  atomic {
    last == job - 1 && (owner == 0 || !runs[owner]) ->
    owner = job;
    generation++;
    recorded[job] = generation;
    last = job;
    runs[job] = true;
    for (o : 0 .. OBJECTS - 1) {
      run attempt(job, o);
      if
      :: job == SECOND -> run attempt(job, o)
      :: else
      fi
    }
    o = 0
  };
  if
  :: atomic { owner == job && generation == recorded[job] -> owner = 0; runs[job] = false }  /* release, then the end */
  :: runs[job] = false;              /* ended by force: reconcile */
#ifndef WITHOUT_FENCE
     atomic {                        /* fenceLocks: LockStore.renew, at the generation seen */
       if
       :: owner == job -> generation++
       :: else
       fi
     };
#endif
     atomic {                        /* settleFiles: what is there by now is Completed */
       settled[job] = true;
       for (o : 0 .. OBJECTS - 1) {
         if
         :: writer[o] == job -> completed[AT(job, o)] = true
         :: else
         fi
       }
       o = 0
     };
     atomic {                        /* releaseJobLocks */
       if
       :: owner == job -> owner = 0
       :: else
       fi
     }
  fi
}

/* A file that was told Completed is, for as long as its job holds the lock; and was written by it. */
#define IS_FALSE(j, o) (completed[AT(j, o)] && (writes[AT(j, o)] == 0 || (runs[j] && owner == j && writer[o] != j)))
#define ANY_FALSE(o) (IS_FALSE(1, o) || IS_FALSE(2, o) || IS_FALSE(3, o))
bool false_completed;

active proctype monitor() {
end:
  atomic { (ANY_FALSE(0) || ANY_FALSE(OBJECTS - 1)) -> false_completed = true; assert(!false_completed) }
}

init {
  atomic {
    run workflow(1); run workflow(2);
    if
    :: JOBS == 3 -> run workflow(3)
    :: else
    fi
  }
}
