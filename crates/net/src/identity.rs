//! [`Identity`]: the key pair of one installation. The key never appears in debug output.

use std::fmt;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use lanspread_proto::PeerId;

/// The Ed25519 key pair that makes a peer who it is. Its bytes are kept by others.
pub struct Identity {
    pkcs8: Vec<u8>,
    peer: PeerId,
}

/// Why there is no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The bytes are no Ed25519 key in PKCS#8.
    #[error("the bytes are no Ed25519 private key in PKCS#8")]
    NotAKey,
    /// The system gives no random numbers.
    #[error("no key can be made: the system gives no random numbers")]
    NoRandomness,
}

impl Identity {
    /// Makes a new key pair.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn generate() -> Result<Self, IdentityError> {
        let pair = Ed25519KeyPair::generate().map_err(|_opaque| IdentityError::NoRandomness)?;
        let document = pair
            .to_pkcs8()
            .map_err(|_opaque| IdentityError::NoRandomness)?;
        Self::from_bytes(document.as_ref())
    }

    /// Reads what [`Identity::as_bytes`] gave.
    ///
    /// # Errors
    /// The bytes are no Ed25519 key in PKCS#8, or its halves do not fit together.
    pub fn from_bytes(pkcs8: &[u8]) -> Result<Self, IdentityError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_opaque| IdentityError::NotAKey)?;
        let public = <[u8; 32]>::try_from(pair.public_key().as_ref())
            .map_err(|_length| IdentityError::NotAKey)?;
        Ok(Self {
            pkcs8: pkcs8.to_vec(),
            peer: PeerId::from_bytes(public),
        })
    }

    /// The private key in PKCS#8, to be kept where nobody else can read it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key.
    #[must_use]
    pub const fn peer_id(&self) -> PeerId {
        self.peer
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.peer.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        let identity = Identity::generate().unwrap();
        let again = Identity::from_bytes(identity.as_bytes()).unwrap();
        assert_eq!(again.peer_id(), identity.peer_id());
        assert_ne!(Identity::generate().unwrap().peer_id(), identity.peer_id());
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let identity = Identity::generate().unwrap();
        let bytes = identity.as_bytes();
        assert_eq!(
            Identity::from_bytes(&[]).unwrap_err(),
            IdentityError::NotAKey
        );
        for end in 0..bytes.len() {
            assert!(Identity::from_bytes(&bytes[..end]).is_err(), "{end} bytes");
        }
        // The public half no longer fits the private one.
        let mut torn = bytes.to_vec();
        *torn.last_mut().unwrap() ^= 1;
        assert!(Identity::from_bytes(&torn).is_err());
    }

    #[test]
    fn debug_output_holds_no_key() {
        let identity = Identity::generate().unwrap();
        let text = format!("{identity:?}");
        assert_eq!(text, format!("Identity({})", identity.peer_id().short()));
    }
}
