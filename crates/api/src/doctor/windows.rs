//! What only Windows has: the kind of a network, rules of its firewall, and which adapter it
//! prefers. PowerShell is asked once, and what it says is read as a stranger's words.

use std::path::Path;

use lanspread_node::doctor::{InterfaceFacts, InterfaceKind};
use serde::Deserialize;

use crate::types::reply::Finding;

#[cfg(windows)]
mod ask;

#[cfg(windows)]
pub(super) use ask::ask;

/// Most entries of a list that are read.
const ENTRIES_MAX: usize = 64;

/// What PowerShell says, as far as it says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    profiles: Vec<Profile>,
    rules: Vec<Rule>,
    metrics: Vec<Metric>,
}

/// A network that this machine is in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Profile {
    interface: String,
    category: String,
}

/// A rule of the firewall about this program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Rule {
    enabled: String,
    direction: String,
    action: String,
}

/// How much Windows likes an adapter: less is more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Metric {
    interface: String,
    metric: u32,
}

/// Reads what PowerShell printed; `None` when it is not what was asked for.
pub(super) fn parse(printed: &str) -> Option<Told> {
    let start = printed.find('{')?;
    let mut told: Told = serde_json::from_str(printed.get(start..)?.trim()).ok()?;
    told.profiles.truncate(ENTRIES_MAX);
    told.rules.truncate(ENTRIES_MAX);
    told.metrics.truncate(ENTRIES_MAX);
    Some(told)
}

/// What follows from it, each with the one command that mends it.
pub(super) fn judge(
    told: Option<&Told>,
    program: &Path,
    interfaces: &[InterfaceFacts],
) -> Vec<Finding> {
    let Some(told) = told else {
        return vec![unknown(), isolation()];
    };
    let mut findings: Vec<Finding> = told.profiles.iter().filter_map(public).collect();
    findings.push(firewall(&told.rules, program));
    findings.extend(preferred(&told.metrics, interfaces));
    findings.push(isolation());
    findings
}

/// PowerShell is not there, or says nothing of use.
fn unknown() -> Finding {
    let text = "PowerShell does not say which rules and kinds of network there are";
    Finding::warn("firewall-unknown", "firewall", text)
}

/// Windows has no way that needs no preparation to take files and network from a process.
fn isolation() -> Finding {
    let text = "archives are unpacked in a process that starts no other, has limited memory and \
                ends with LanSpread, but could read this user's files";
    Finding::warn("reduced-isolation", "unpacking", text)
}

fn public(profile: &Profile) -> Option<Finding> {
    let interface = quoted(&profile.interface);
    (profile.category == "Public").then(|| {
        let text = format!(
            "{interface} is a public network: Windows lets nobody in. An administrator's \
             PowerShell changes it: Set-NetConnectionProfile -InterfaceAlias {interface} \
             -NetworkCategory Private"
        );
        Finding::warn("public-network", "network", text)
    })
}

fn firewall(rules: &[Rule], program: &Path) -> Finding {
    let inbound = |action: &str| {
        let is = |rule: &&Rule| {
            rule.enabled == "True" && rule.direction == "Inbound" && rule.action == action
        };
        rules.iter().any(|rule| is(&rule))
    };
    let program = quoted(&program.display().to_string());
    if inbound("Block") {
        let text = format!(
            "a rule keeps others out, as Windows makes it when its question is cancelled. An \
             administrator's PowerShell removes it: Get-NetFirewallApplicationFilter -Program \
             {program} | Get-NetFirewallRule | Remove-NetFirewallRule"
        );
        return Finding::warn("firewall-blocks", "firewall", text);
    }
    if inbound("Allow") {
        return Finding::good("firewall", "a rule lets others connect");
    }
    let text = format!(
        "no rule lets others connect; downloads work all the same. An administrator's PowerShell \
         makes one: New-NetFirewallRule -DisplayName LanSpread -Direction Inbound -Program \
         {program} -Action Allow -Profile Private"
    );
    Finding::warn("no-firewall-rule", "firewall", text)
}

/// A virtual adapter that Windows prefers to every real one gets the multicast of games, and ours.
fn preferred(metrics: &[Metric], interfaces: &[InterfaceFacts]) -> Option<Finding> {
    let of = |facts: &InterfaceFacts| {
        let metric = metrics.iter().find(|m| m.interface == facts.name)?.metric;
        Some((metric, facts.name.clone(), facts.kind))
    };
    let known: Vec<_> = interfaces.iter().filter_map(of).collect();
    let is_real = |kind: InterfaceKind| matches!(kind, InterfaceKind::Wired | InterfaceKind::Wifi);
    let real = known
        .iter()
        .filter(|(_, _, kind)| is_real(*kind))
        .min_by_key(|(m, ..)| *m)?;
    let is_virtual = |kind: InterfaceKind| kind == InterfaceKind::Virtual;
    let first = known
        .iter()
        .filter(|(_, _, kind)| is_virtual(*kind))
        .min_by_key(|(m, ..)| *m)?;
    (first.0 < real.0).then(|| {
        let (name, real) = (quoted(&first.1), quoted(&real.1));
        let text = format!(
            "Windows prefers the virtual adapter {name} to {real}. An administrator's PowerShell \
             changes it: Set-NetIPInterface -InterfaceAlias {name} -InterfaceMetric 500"
        );
        Finding::warn("virtual-first", "interface", text)
    })
}

/// As PowerShell takes a text literally; nothing in it can end the command.
fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", plain.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(printed: &str, interfaces: &[InterfaceFacts]) -> Vec<String> {
        let told = parse(printed);
        let program = Path::new(r"C:\LAN party\it's\lanspread.exe");
        let findings = judge(told.as_ref(), program, interfaces);
        let mut codes: Vec<String> = findings.into_iter().map(|finding| finding.code).collect();
        assert_eq!(codes.pop().as_deref(), Some("reduced-isolation"));
        codes
    }

    fn adapter(name: &str, kind: InterfaceKind) -> InterfaceFacts {
        InterfaceFacts {
            name: name.to_owned(),
            number: 1,
            kind,
            bits_per_second: None,
            addresses: Vec::new(),
        }
    }

    #[test]
    fn each_trouble_is_named() {
        let check = |printed: &str, expected: &[&str]| {
            let interfaces = [
                adapter("Ethernet", InterfaceKind::Wired),
                adapter("Hamachi", InterfaceKind::Virtual),
            ];
            assert_eq!(codes(printed, &interfaces), expected, "{printed}");
        };
        let allow = r#"{"enabled":"True","direction":"Inbound","action":"Allow"}"#;
        let block = r#"{"enabled":"True","direction":"Inbound","action":"Block"}"#;
        let off = r#"{"enabled":"False","direction":"Inbound","action":"Allow"}"#;
        let out = r#"{"enabled":"True","direction":"Outbound","action":"Allow"}"#;
        check("no such cmdlet", &["firewall-unknown"]);
        check("{}", &["no-firewall-rule"]);
        check(&format!(r#"{{"rules":[{allow}]}}"#), &["good"]);
        check(
            &format!(r#"{{"rules":[{allow},{block}]}}"#),
            &["firewall-blocks"],
        );
        check(
            &format!(r#"{{"rules":[{off},{out}]}}"#),
            &["no-firewall-rule"],
        );
        check(
            r#"{"profiles":[{"interface":"Ethernet","category":"Public"},
                            {"interface":"WLAN","category":"Private"}]}"#,
            &["public-network", "no-firewall-rule"],
        );
        let metrics = |lan: u32, vpn: u32| {
            format!(
                r#"{{"rules":[{allow}],"metrics":[{{"interface":"Ethernet","metric":{lan}}},
                     {{"interface":"Hamachi","metric":{vpn}}},
                     {{"interface":"Other","metric":1}}]}}"#
            )
        };
        check(&metrics(25, 5), &["good", "virtual-first"]);
        check(&metrics(25, 25), &["good"]);
    }

    #[test]
    fn strange_answers_are_no_answers() {
        for printed in ["", "no such cmdlet", "{", "[1]", r#"{"rules":7}"#] {
            assert_eq!(parse(printed), None, "{printed}");
        }
        // A sign at the start that some versions print, and fields that nobody asked for.
        let told = parse("\u{feff}{\"rules\":[],\"more\":1}\r\n").unwrap();
        assert_eq!(told, Told::default());
    }

    #[test]
    fn names_cannot_end_the_command() {
        assert_eq!(quoted("it's"), "'it''s'");
        assert_eq!(quoted("a\n; calc"), "'a; calc'");
    }
}
