"""The window: the only Qt in the shell.  Start reading at `startup`, then `window`."""
