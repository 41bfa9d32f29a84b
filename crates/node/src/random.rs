//! The only place where the household asks for randomness.

/// A seed for a decider.
pub(crate) fn seed() -> u64 {
    getrandom::u64().unwrap_or_else(|error| {
        // Fairness suffers without randomness, correctness does not.
        tracing::warn!(%error, "the system gives no random numbers");
        u64::from(std::process::id())
    })
}

/// A number that no other transaction has: the time in its upper half, randomness below.
pub(crate) fn transaction_number() -> u128 {
    u128::from(seed()) << 64 | u128::from(seed())
}
