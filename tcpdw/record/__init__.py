"""Records the experiment on this host: kernel trace, capture and `/proc`, a directory a run.

`recording.record` does it as `Settings` say, run after run; `repetition` is one run of it, `end`
what an experiment's script sees of one end, `experiments` the scripts. All that a recording makes
is held by a context that removes it; what only a SIGKILL leaves behind, `owner` tells apart.
"""
