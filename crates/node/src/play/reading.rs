//! Reads the catalogs: the one inside this program, and the one of this machine over it.

use std::{collections::BTreeMap, sync::Arc};

use lanspread_disk::{
    Disk, Place,
    catalog::{CATALOG_TOML, Catalog, CoverAt, cover_at},
};
use lanspread_proto::GameId;

use crate::snapshot::Problem;

/// What is known of games.
#[derive(Debug, Clone, Default)]
pub(crate) struct Read {
    pub(super) catalog: Arc<Catalog>,
    /// Pictures that the catalog of this machine names.
    pub(super) covers: Arc<BTreeMap<GameId, CoverAt>>,
    /// Why the catalog of this machine cannot be used.
    pub(super) problem: Option<Problem>,
}

/// Reads both; blocks.
pub(super) fn read(disk: &dyn Disk, state: &Place) -> Read {
    let mut catalog = Catalog::bundled().unwrap_or_else(|error| {
        tracing::error!(%error, "the catalog inside this program cannot be used");
        Catalog::default()
    });
    let problem = match Catalog::read(disk, state) {
        Ok(own) => {
            catalog.overlay(own);
            None
        }
        Err(error) => Some(Problem {
            code: "catalog",
            subject: state.own(CATALOG_TOML).to_string(),
            message: error.to_string(),
        }),
    };
    let covers = catalog.games().filter_map(|(game, entry)| {
        let place = state.join(entry.cover.as_ref()?);
        Some((game.clone(), cover_at(disk, place).ok().flatten()?))
    });
    Read {
        covers: Arc::new(covers.collect()),
        catalog: Arc::new(catalog),
        problem,
    }
}
