//! TLS 1.3 with raw public keys (RFC 7250) on both sides: the key *is* the peer.
//!
//! Invariant: a handshake that succeeds proves that the other side holds the private key of the
//! [`PeerId`] that [`peer_of`] returns, and if the dialler expected one, that it is this one.

use std::sync::{Arc, OnceLock};

use lanspread_proto::{PeerId, wire::ALPN};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error,
    PeerMisbehaved, ServerConfig, SignatureScheme,
    client::{
        AlwaysResolvesClientRawPublicKeys, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature_with_raw_key},
    pki_types::{
        CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer,
        UnixTime,
    },
    server::{
        AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
};

use crate::identity::Identity;

/// The name in the handshake, which is not sent and means nothing: keys name peers.
pub(crate) const SERVER_NAME: &str = "lanspread";

/// An Ed25519 key as `SubjectPublicKeyInfo` is these bytes and then the 32 of the key.
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Makes the TLS configurations of one identity.
#[derive(Debug)]
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    key: Arc<CertifiedKey>,
}

/// The key that the other side showed, also if it was refused.
pub(crate) type SeenKey = Arc<OnceLock<PeerId>>;

impl Tls {
    pub(crate) fn new(identity: &Identity) -> Result<Self, Error> {
        let provider = Arc::new(provider());
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.as_bytes().to_vec()));
        let signer = provider.key_provider.load_private_key(private)?;
        let public = CertificateDer::from(encode_spki(identity.peer_id()));
        Ok(Self {
            key: Arc::new(CertifiedKey::new(vec![public], signer)),
            provider,
        })
    }

    /// For connections from others: any key is welcome, it must be proved.
    pub(crate) fn server(&self) -> Result<ServerConfig, Error> {
        let resolver = AlwaysResolvesServerRawPublicKeys::new(Arc::clone(&self.key));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_client_cert_verifier(self.verifier(None))
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(config)
    }

    /// For one connection to another: only the expected key is accepted.
    pub(crate) fn client(
        &self,
        expected: Option<PeerId>,
    ) -> Result<(Arc<ClientConfig>, SeenKey), Error> {
        let verifier = self.verifier(expected);
        let seen = Arc::clone(&verifier.seen);
        let resolver = AlwaysResolvesClientRawPublicKeys::new(Arc::clone(&self.key));
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        config.enable_sni = false;
        Ok((Arc::new(config), seen))
    }

    fn verifier(&self, expected: Option<PeerId>) -> Arc<KeyVerifier> {
        Arc::new(KeyVerifier {
            expected,
            seen: Arc::default(),
            provider: Arc::clone(&self.provider),
        })
    }
}

/// The peer whose key a finished handshake proved.
pub(crate) fn peer_of(certificates: Option<&[CertificateDer<'_>]>) -> Option<PeerId> {
    match certificates {
        Some([key]) => parse_spki(key),
        Some(_) | None => None,
    }
}

/// Reads an Ed25519 `SubjectPublicKeyInfo`; every other byte string is refused.
fn parse_spki(der: &[u8]) -> Option<PeerId> {
    let key = der.strip_prefix(&SPKI_PREFIX)?;
    <[u8; 32]>::try_from(key).ok().map(PeerId::from_bytes)
}

fn encode_spki(peer: PeerId) -> Vec<u8> {
    [SPKI_PREFIX.as_slice(), peer.as_bytes()].concat()
}

/// AES-128 first: as fast as any where the CPU has AES, and nobody on a LAN needs more. Key
/// exchange is X25519 alone, so that a handshake fits in one packet each way.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
            aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384,
            aws_lc_rs::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![aws_lc_rs::kx_group::X25519],
        ..aws_lc_rs::default_provider()
    }
}

#[derive(Debug)]
struct KeyVerifier {
    expected: Option<PeerId>,
    seen: SeenKey,
    provider: Arc<CryptoProvider>,
}

impl KeyVerifier {
    fn check_key(&self, key: &[u8], others: &[CertificateDer<'_>]) -> Result<(), Error> {
        let found = match others {
            [] => parse_spki(key).ok_or(CertificateError::BadEncoding)?,
            [_, ..] => return Err(CertificateError::BadEncoding.into()),
        };
        let first = *self.seen.get_or_init(|| found);
        if first != found || self.expected.is_some_and(|expected| expected != found) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(())
    }

    fn check_signature(
        &self,
        message: &[u8],
        key: &[u8],
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if signature.scheme != SignatureScheme::ED25519 {
            return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
        }
        verify_tls13_signature_with_raw_key(
            message,
            &SubjectPublicKeyInfoDer::from(key),
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }
}

/// TLS 1.2 is not offered, so nobody gets here.
fn no_tls12() -> Error {
    PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into()
}

impl ServerCertVerifier for KeyVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check_key(end_entity, intermediates)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for KeyVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        // One verifier serves all clients: what one showed says nothing about the next.
        match intermediates {
            [] => parse_spki(end_entity)
                .map(|_peer| ClientCertVerified::assertion())
                .ok_or_else(|| CertificateError::BadEncoding.into()),
            [_, ..] => Err(CertificateError::BadEncoding.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
