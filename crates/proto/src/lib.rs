//! What two peers must agree on: ids, paths, hashes, the manifest, pieces and the wire format.
//! Change this crate and you change the protocol (`docs/PROTOCOL.md`).
//!
//! **Deliberately not here:** files, sockets, clocks, randomness, policy. The crate is `no_std`, so
//! they cannot be named.
//!
//! Reading order: [`id`], [`rel_path`], [`version`] are the words; [`manifest`], [`geometry`],
//! [`chunk_map`] say what a game's bytes are; [`library`] says who has what; [`wire`] carries it.
#![no_std]

extern crate alloc;

pub mod chunk_map;
pub mod geometry;
pub mod hash;
pub mod id;
pub mod library;
pub mod limits;
pub mod manifest;
pub mod piece_set;
pub mod rel_path;
pub mod text;
pub mod version;
pub mod wire;

pub use chunk_map::ChunkMap;
pub use geometry::{Chunk, ChunkIndex, FileIndex, Geometry, Piece, PieceIndex};
pub use hash::Hash;
pub use id::{ContentId, GameId, PeerId};
pub use manifest::Manifest;
pub use piece_set::PieceSet;
pub use rel_path::RelPath;
pub use text::Text;
pub use version::VersionLabel;
