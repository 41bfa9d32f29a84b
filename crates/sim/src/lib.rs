//! The swarm in virtual time: whole downloads in milliseconds, the same run for the same seed.
