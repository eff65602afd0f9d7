"""
Who holds the event loop, at which line, for how long.

This is more complicated than a stopwatch, because of what must not be blamed:

- A callback is timed from its start to its end (`stopwatch`), which says that the loop was held, but neither where nor
  why. So while it runs, one thread looks at it at regular times (`watch`): which line it is at, and what its thread
  has used of the processor (`meter`).
- Wall time is no proof. A process that was stopped, or a thread that was ready to run and got no processor, has held
  nothing. Only two things count (`account`): processor time that the thread itself used, and time during which it
  slept of its own will. Time for which the kernel kept it waiting in the run queue is known from the kernel; time for
  which the whole process stood still shows as lateness of the watching thread.
- C code that keeps the interpreter lock keeps the watching thread out as well. It then gets its look at the first
  moment that the C call is over, when the line is still the one that called it, and the processor time says the rest.
- A pause of the garbage collector strikes wherever it happens to, and is nobody's line.
- Some lines are held for a good reason: modules are imported once, a debugger waits for a person (`pardons`).

uvloop runs its callbacks in C, where no stopwatch can be set; there the watching thread alone decides, by whether the
same frame is still at work and whether the loop answers (`pulse`).
"""
