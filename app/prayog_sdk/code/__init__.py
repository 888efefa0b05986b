"""*Code it*: a small Python function that the learner writes, and that the engine calls in the place of its own.

Its text is a knob (`prayog_sdk.params.Code`), so it is part of the run: topic + version + params + seed + actions.
Saved, mailed and replayed, a run with code gives the same trace.

`source` reads the text and says what is wrong with it, `allowed` is what it may use, `function` calls it, `fence` is
the process in which that happens, `distant` is a run that lives in such a process, `trial` grades on many seeds there.

Rules
1. The learner's code runs in a process behind the `fence` and nowhere else; `function` refuses to call it elsewhere.
2. No accident hurts.  A loop without an end, a huge list, an exception, a wrong result, `input`, `exit` and text that
   is not Python are each a `Mistake`: a line and a sentence, told in the trace as ``code_error``.
3. Each call begins afresh: what is to be kept between two calls is in what the function is given, never in a global.
   So going back, forking and replaying are exact, and nodes cannot share memory by the back door.
4. Steps are counted, not seconds: the same text on the same seed stops at the same place on every machine.  The time
   limit is for what cannot be counted, one call that hangs inside C.
5. This is a seat belt, not a prison.  It is made against accidents; the well-known ways out are closed too, but Python
   cannot hold somebody who means harm.  So the window asks before it runs code that came in a file (`draft.Trusted`).
"""
