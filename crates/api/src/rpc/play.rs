//! Starting games.

use std::{net::IpAddr, path::Path};

use lanspread_node::{
    NodeHandle,
    play::{Agreed, Join, Language, PlayRequest, Role, StartRequest, Started},
};
use lanspread_proto::{Hash, PeerId, text::is_hidden};

use super::{done, either, parse, parse_game};
use crate::{
    error::Report,
    types::{
        Reply,
        command::{PlayCommand, PlayPlanCommand, ServerCommand},
    },
};

pub(super) async fn plan(node: &NodeHandle, command: PlayPlanCommand) -> Result<Reply, Report> {
    let role = either(command.server, Role::Server, Role::Game);
    let request = PlayRequest {
        game: parse_game(&command.game)?,
        role,
        join: command.join.as_deref().map(parse_join).transpose()?,
        language: parse_language(command.language.as_deref())?,
    };
    let plan = node.plan_play(request).await?;
    Ok(Reply::PlayPlan(Box::new((&plan).into())))
}

pub(super) async fn play(node: &NodeHandle, command: PlayCommand) -> Result<Reply, Report> {
    let play = PlayRequest {
        game: parse_game(&command.game)?,
        role: Role::Game,
        join: command.join.as_deref().map(parse_join).transpose()?,
        language: parse_language(command.language.as_deref())?,
    };
    start(node, play, &command.hash, command.accept).await
}

pub(super) async fn serve(node: &NodeHandle, command: ServerCommand) -> Result<Reply, Report> {
    let play = PlayRequest {
        game: parse_game(&command.game)?,
        role: Role::Server,
        join: None,
        language: parse_language(command.language.as_deref())?,
    };
    start(node, play, &command.hash, command.accept).await
}

async fn start(
    node: &NodeHandle,
    play: PlayRequest,
    hash: &str,
    accept: bool,
) -> Result<Reply, Report> {
    let request = StartRequest {
        play,
        hash: parse_hash(hash)?,
        agreed: either(accept, Agreed::Yes, Agreed::NotAsked),
    };
    let started = node.play(request).await?;
    node.shown().await;
    Ok(Reply::Playing {
        setting_up: started == Started::SettingUp,
    })
}

/// What starts Windows programs, by its whole path.
pub(super) async fn set_wine(node: &NodeHandle, program: Option<String>) -> Result<Reply, Report> {
    if let Some(program) = &program
        && (!Path::new(program).is_absolute() || program.chars().any(is_hidden))
    {
        let message = format!("`{program}` is no absolute path of a program");
        return Err(Report::new("bad-value", message));
    }
    let mut settings = node.snapshot().settings.clone();
    settings.wine = program.map(Into::into);
    done(node, node.set_settings(settings).await).await
}

fn parse_join(text: &str) -> Result<Join, Report> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(Join::Address(address)),
        Err(_no_address) => Ok(Join::Peer(parse::<PeerId>("peer", text)?)),
    }
}

fn parse_language(text: Option<&str>) -> Result<Language, Report> {
    let Some(text) = text else {
        return Ok(Language::default());
    };
    Language::parse(text).ok_or_else(|| {
        let message = format!("`{text}` is no language of two small letters");
        Report::new("bad-value", message)
    })
}

fn parse_hash(text: &str) -> Result<Hash, Report> {
    // Both are 32 bytes as hexadecimal text.
    let bytes = parse::<lanspread_proto::ContentId>("hash", text)?;
    Ok(Hash::from_bytes(*bytes.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_to_join() {
        let address = parse_join("10.0.0.7").unwrap();
        assert_eq!(address, Join::Address([10, 0, 0, 7].into()));
        assert!(matches!(parse_join("fe80::1"), Ok(Join::Address(_))));
        let key = "11".repeat(32);
        assert!(matches!(parse_join(&key), Ok(Join::Peer(_))));
        for text in ["", "anna", "10.0.0.7; rm", "-x"] {
            assert_eq!(parse_join(text).unwrap_err().code, "bad-value", "{text}");
        }
    }

    #[test]
    fn languages_and_hashes() {
        assert!(parse_language(None).is_ok() && parse_language(Some("de")).is_ok());
        assert_eq!(parse_language(Some("de_DE")).unwrap_err().code, "bad-value");
        let hash = parse_hash(&"ab".repeat(32)).unwrap();
        assert_eq!(hash.to_string(), "ab".repeat(32));
        assert_eq!(parse_hash("ab").unwrap_err().code, "bad-value");
    }
}
