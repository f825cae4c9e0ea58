"""From findings to messages: who is told what, what waits, what was sent, and the doors by which it leaves."""
