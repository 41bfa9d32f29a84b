//! Handshakes in memory: who gets through, and as whom.

use rustls::{ClientConnection, Connection, ServerConnection};

use super::*;

#[test]
fn only_the_one_encoding_is_a_key() {
    let peer = PeerId::from_bytes([7; 32]);
    let good = encode_spki(peer);
    assert_eq!(good.len(), 44);
    assert_eq!(parse_spki(&good), Some(peer));
    for end in 0..good.len() {
        assert_eq!(parse_spki(&good[..end]), None, "{end} bytes");
    }
    assert_eq!(parse_spki(&[good.as_slice(), &[0]].concat()), None);
    for index in 0..SPKI_PREFIX.len() {
        let mut bad = good.clone();
        bad[index] ^= 1;
        assert_eq!(parse_spki(&bad), None, "byte {index} changed");
    }
    assert_eq!(peer_of(None), None);
    let key = CertificateDer::from(good);
    assert_eq!(peer_of(Some(&[key.clone(), key])), None);
}

#[test]
fn nothing_is_kept_for_a_second_handshake() {
    let tls = Tls::new(&Identity::generate().unwrap()).unwrap();
    let server = tls.server().unwrap();
    assert_eq!(
        (server.send_tls13_tickets, server.max_early_data_size),
        (0, 0)
    );
    assert!(!server.key_log.will_log("CLIENT_RANDOM"));
    let (client, _seen) = tls.client(None).unwrap();
    assert!(!client.enable_early_data && !client.key_log.will_log("CLIENT_RANDOM"));
}

fn tls_of(identity: &Identity) -> Tls {
    Tls::new(identity).unwrap()
}

/// Shows the key of one and signs with that of another.
fn impostor(shown: &Identity, signing: &Identity) -> Tls {
    let (public, own) = (tls_of(shown), tls_of(signing));
    let key = CertifiedKey::new(public.key.cert.clone(), Arc::clone(&own.key.key));
    Tls {
        key: Arc::new(key),
        ..own
    }
}

/// Runs a handshake; gives whom the client saw and whom the server saw.
fn handshake(
    client: &Tls,
    expected: Option<PeerId>,
    server: &Tls,
) -> Result<(PeerId, PeerId), Error> {
    let (config, _seen) = client.client(expected)?;
    let name = ServerName::try_from(SERVER_NAME).unwrap();
    let mut client = Connection::from(ClientConnection::new(config, name)?);
    let mut server = Connection::from(ServerConnection::new(Arc::new(server.server()?))?);
    while client.is_handshaking() || server.is_handshaking() || client.wants_write() {
        carry(&mut client, &mut server)?;
        carry(&mut server, &mut client)?;
    }
    let seen = |side: &Connection| peer_of(side.peer_certificates()).unwrap();
    Ok((seen(&client), seen(&server)))
}

fn carry(from: &mut Connection, to: &mut Connection) -> Result<(), Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}

#[test]
fn both_sides_learn_who_the_other_is() {
    let (alice, bob) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    for expected in [None, Some(bob.peer_id())] {
        let seen = handshake(&tls_of(&alice), expected, &tls_of(&bob)).unwrap();
        assert_eq!(seen, (bob.peer_id(), alice.peer_id()));
    }
    let other = handshake(&tls_of(&alice), Some(alice.peer_id()), &tls_of(&bob));
    let refused = CertificateError::ApplicationVerificationFailure;
    assert_eq!(other, Err(Error::InvalidCertificate(refused)));
}

#[test]
fn a_key_that_is_shown_must_be_held() {
    let (alice, bob) = (Identity::generate().unwrap(), Identity::generate().unwrap());
    let mallory = Identity::generate().unwrap();
    let as_bob = impostor(&bob, &mallory);
    let bad = Err(Error::InvalidCertificate(CertificateError::BadSignature));
    let dialled = handshake(&tls_of(&alice), Some(bob.peer_id()), &as_bob);
    assert_eq!(dialled, bad, "as the one who is dialled");
    let dialling = handshake(&as_bob, None, &tls_of(&alice));
    assert_eq!(dialling, bad, "as the one who dials");
}
