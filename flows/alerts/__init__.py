"""From findings to messages: who is told what, what waits, how it is composed, and how it leaves."""
