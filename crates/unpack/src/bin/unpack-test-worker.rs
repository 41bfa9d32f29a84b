//! The worker as the integration tests start it, and programs that only pretend to be one.
#![expect(
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::infinite_loop,
    clippy::panic,
    reason = "it tries on purpose what the product must not do"
)]

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    process::Command,
};

use lanspread_unpack::worker::{
    sandbox::Layer::{self, Landlock, Limits, Process, Seccomp},
    try_inside,
};

fn main() {
    let second = std::env::args().nth(2);
    match second.as_deref() {
        None if lanspread_unpack::is_worker(std::env::args_os()) => lanspread_unpack::worker_main(),
        None => eprintln!("this is only for tests"),
        Some("silent") => read_forever(),
        Some("garbage") => write_garbage(),
        Some("greedy") => read_over_and_over(),
        Some("quits") => {}
        Some(attempt) => {
            let layers = std::env::args().nth(3).unwrap_or_default();
            let outcome = try_inside(&chosen(&layers), |isolation| {
                eprintln!("{isolation:?}");
                match tried(attempt) {
                    Ok(()) => eprintln!("done"),
                    Err(error) => eprintln!("refused: {error}"),
                }
            });
            if let Err(error) = outcome {
                eprintln!("no request: {error}");
            }
        }
    }
}

/// `+` for all layers, `-seccomp` for all but that, and so on.
fn chosen(layers: &str) -> Vec<Layer> {
    match layers {
        "landlock" => vec![Process, Limits, Landlock],
        "seccomp" => vec![Process, Limits, Seccomp],
        "limits" => vec![Limits],
        _ => Layer::ALL.to_vec(),
    }
}

/// Tries one thing that a worker must not be able to do.
fn tried(attempt: &str) -> io::Result<()> {
    match attempt {
        "open" => fs::File::open("/etc/hostname").map(drop),
        "create" => fs::File::create("/tmp/lanspread-must-not-exist").map(drop),
        "list" => fs::read_dir("/").map(drop),
        "stat" => fs::metadata("/etc").map(drop),
        "chdir" => std::env::set_current_dir("/"),
        "exec" => Command::new("/bin/true").status().map(drop),
        "tcp-connect" => TcpStream::connect("127.0.0.1:9").map(drop),
        "tcp-listen" => TcpListener::bind("127.0.0.1:0").map(drop),
        "udp" => UdpSocket::bind("127.0.0.1:0").map(drop),
        "thread" => std::thread::Builder::new().spawn(|| {}).map(drop),
        "signal" => signal_parent(),
        "memory" => {
            // More address space than a worker with default limits may have.
            let bytes = vec![1_u8; 3 << 30];
            eprintln!("{}", bytes.len());
            Ok(())
        }
        "panic" => panic!("on purpose"),
        "nothing" => Ok(()),
        _ => Err(io::Error::other("no such attempt")),
    }
}

#[cfg(unix)]
fn signal_parent() -> io::Result<()> {
    let parent = rustix::process::getppid().ok_or_else(|| io::Error::other("no parent"))?;
    Ok(rustix::process::test_kill_process(parent)?)
}

#[cfg(not(unix))]
fn signal_parent() -> io::Result<()> {
    Err(io::Error::other("not on this system"))
}

fn read_forever() {
    let mut buffer = [0_u8; 4096];
    while matches!(io::stdin().read(&mut buffer), Ok(count) if count > 0) {}
    // The parent closed our input without ending us: hold on to its output.
    loop {
        std::thread::park();
    }
}

/// Asks for the first megabyte of the first volume as long as anybody answers.
fn read_over_and_over() {
    const QUESTION: &[u8] = &[0x02, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0x80, 0x80, 0x40];
    let mut sink = io::sink();
    let mut request = [0_u8; 12];
    let mut input = io::stdin().lock();
    let mut length = |input: &mut io::StdinLock<'_>, skip: usize| -> io::Result<u64> {
        input.read_exact(request.get_mut(..skip).unwrap_or_default())?;
        let mut length = [0_u8; 4];
        input.read_exact(&mut length)?;
        Ok(u64::from(u32::from_le_bytes(length)))
    };
    let mut answered = length(&mut input, 8);
    while let Ok(bytes) = answered {
        if io::copy(&mut input.by_ref().take(bytes), &mut sink).is_err()
            || io::stdout().write_all(QUESTION).is_err()
            || io::stdout().flush().is_err()
        {
            return;
        }
        answered = length(&mut input, 0);
    }
}

fn write_garbage() {
    // The parent ends us for it; what it does not read does not matter.
    drop(io::stdout().write_all(&[0xAA; 4096]));
}
