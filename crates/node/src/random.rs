//! The only place where the household asks for randomness.

/// A seed for a decider.
pub(crate) fn seed() -> u64 {
    getrandom::u64().unwrap_or_else(|error| {
        // Fairness suffers without randomness, correctness does not.
        tracing::warn!(%error, "the system gives no random numbers");
        u64::from(std::process::id())
    })
}
