//! The CPU engine: the plan's passes in a loop, rows shared among idle cores.
