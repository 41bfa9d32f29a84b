//! Bytes ↔ frames. Pure: the fuzzer and the network see the same code.

use alloc::vec::Vec;

use serde::{Serialize, de::DeserializeOwned};

/// Bytes of a frame before its body.
pub const HEADER_BYTES: usize = 6;
/// Bytes of the length field, which do not count in the length.
const LENGTH_BYTES: u32 = 4;
/// Bytes of the type, which do.
const TYPE_BYTES: u32 = 2;

/// What comes before a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// The type of the message.
    pub kind: u16,
    /// Bytes of the body.
    pub body_bytes: u32,
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The length is below the size of the type field.
    #[error("a frame claims to be shorter than its own header")]
    TooShort,
    /// The length is over the limit for this type.
    #[error("a frame of type {kind:#06x} claims {bytes} bytes")]
    TooLong {
        /// The type.
        kind: u16,
        /// The claimed body.
        bytes: u32,
    },
    /// A type that is not known here and may not be skipped.
    #[error("the frame type {0:#06x} is not known")]
    UnknownType(u16),
    /// The body is not what its type says.
    #[error("a frame of type {0:#06x} does not decode")]
    Body(u16),
}

impl FrameHeader {
    /// Reads a header.
    ///
    /// # Errors
    /// The length does not even cover the type.
    pub fn decode(bytes: [u8; HEADER_BYTES]) -> Result<Self, CodecError> {
        let [l0, l1, l2, l3, k0, k1] = bytes;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let body_bytes = length.checked_sub(TYPE_BYTES).ok_or(CodecError::TooShort)?;
        Ok(Self {
            kind: u16::from_le_bytes([k0, k1]),
            body_bytes,
        })
    }

    /// Writes a header.
    #[must_use]
    pub fn encode(self) -> [u8; HEADER_BYTES] {
        let [l0, l1, l2, l3] = (self.body_bytes + TYPE_BYTES).to_le_bytes();
        let [k0, k1] = self.kind.to_le_bytes();
        [l0, l1, l2, l3, k0, k1]
    }

    /// Checks the claimed length before anything is allocated for it.
    ///
    /// # Errors
    /// Over `max`.
    pub const fn check(self, max: u32) -> Result<Self, CodecError> {
        if self.body_bytes > max {
            return Err(CodecError::TooLong {
                kind: self.kind,
                bytes: self.body_bytes,
            });
        }
        Ok(self)
    }
}

/// A whole frame with a postcard body.
pub(crate) fn encode_frame<T: Serialize>(kind: u16, body: &T) -> Vec<u8> {
    let space = [0_u8; HEADER_BYTES].to_vec();
    // Encoding into memory fails only for sequences of unknown length; no message has one.
    let mut frame = postcard::to_extend(body, space).unwrap_or_default();
    let length = u32::try_from(frame.len())
        .unwrap_or(u32::MAX)
        .saturating_sub(LENGTH_BYTES);
    let header = FrameHeader {
        kind,
        body_bytes: length.saturating_sub(TYPE_BYTES),
    }
    .encode();
    if let Some(start) = frame.first_chunk_mut::<HEADER_BYTES>() {
        *start = header;
    }
    frame
}

/// A postcard body that fills its frame exactly.
pub(crate) fn decode_body<T: DeserializeOwned>(kind: u16, body: &[u8]) -> Result<T, CodecError> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        Ok(_) | Err(_) => Err(CodecError::Body(kind)),
    }
}

/// Declares the messages of one kind of connection: an enum, its types, and the codec.
macro_rules! messages {
    (
        $(#[$doc:meta])*
        $name:ident {
            $( $(#[$vdoc:meta])* $variant:ident($body:ty) = $kind:literal, max $max:expr; )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$vdoc])* $variant($body), )*
        }

        impl $name {
            /// The longest body allowed for a type.
            ///
            /// # Errors
            /// The type is unknown and may not be skipped. Ignorable types get the limit of a
            /// control frame.
            pub const fn max_body(kind: u16) -> Result<u32, $crate::wire::CodecError> {
                match kind {
                    $( $kind => Ok($max), )*
                    _ if kind & $crate::wire::IGNORABLE != 0 => {
                        Ok($crate::limits::CONTROL_FRAME_BYTES_MAX)
                    }
                    _ => Err($crate::wire::CodecError::UnknownType(kind)),
                }
            }

            /// The type number of this message.
            #[must_use]
            pub const fn kind(&self) -> u16 {
                match self { $( Self::$variant(_) => $kind, )* }
            }

            /// The whole frame.
            #[must_use]
            pub fn encode(&self) -> alloc::vec::Vec<u8> {
                match self {
                    $( Self::$variant(body) => $crate::wire::codec::encode_frame($kind, body), )*
                }
            }

            /// Decodes a body; `None` for an unknown type that may be skipped.
            ///
            /// # Errors
            /// An unknown type that may not be skipped, or a body that is not of its type.
            pub fn decode(
                kind: u16,
                body: &[u8],
            ) -> Result<Option<Self>, $crate::wire::CodecError> {
                Self::max_body(kind)?;
                match kind {
                    $(
                        $kind => $crate::wire::codec::decode_body(kind, body)
                            .map(|body| Some(Self::$variant(body))),
                    )*
                    _ => Ok(None),
                }
            }
        }
    };
}
pub(crate) use messages;
