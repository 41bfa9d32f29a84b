//! Asks PowerShell, for a while.

use std::{
    io::Read,
    os::windows::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{Told, parse};

/// The first start of PowerShell on a slow disk takes some seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 256 * 1024;
/// No window flashes up.
const CREATE_NO_WINDOW: u32 = 0x0800_0000;
/// Where the script finds the program's path.
const PROGRAM: &str = "LANSPREAD_PROGRAM";

/// Names and words come in English whatever the language of Windows is.
const SCRIPT: &str = r#"
$ErrorActionPreference = 'SilentlyContinue'
[Console]::OutputEncoding = [Text.Encoding]::UTF8
$profiles = @(Get-NetConnectionProfile | ForEach-Object {
    @{ interface = "$($_.InterfaceAlias)"; category = "$($_.NetworkCategory)" } })
$rules = @(Get-NetFirewallApplicationFilter -Program $env:LANSPREAD_PROGRAM |
    Get-NetFirewallRule | ForEach-Object {
    @{ enabled = "$($_.Enabled)"; direction = "$($_.Direction)"; action = "$($_.Action)" } })
$metrics = @(Get-NetIPInterface -AddressFamily IPv4 -ConnectionState Connected | ForEach-Object {
    @{ interface = "$($_.InterfaceAlias)"; metric = [uint32]$_.InterfaceMetric } })
@{ profiles = $profiles; rules = $rules; metrics = $metrics } | ConvertTo-Json -Depth 4 -Compress
"#;

/// What PowerShell knows; `None` when it is not there, too slow, or not understood.
pub(in crate::doctor) fn ask(program: &Path) -> Option<Told> {
    let mut child = Command::new("powershell.exe")
        .args(["-NoProfile", "-NonInteractive", "-Command", SCRIPT])
        .env(PROGRAM, program)
        .creation_flags(CREATE_NO_WINDOW)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let output = child.stdout.take()?;
    let (send, answer) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes);
        // Whoever asked may have lost patience.
        drop(send.send(read.map(|_count| bytes)));
    });
    let answer = answer.recv_timeout(ANSWER_TIMEOUT);
    // It is done, or it is too late.
    drop(child.kill());
    drop(child.wait());
    parse(&String::from_utf8_lossy(&answer.ok()?.ok()?))
}
