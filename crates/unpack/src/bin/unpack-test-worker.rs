//! The worker as the integration tests start it.

fn main() {
    if lanspread_unpack::is_worker(std::env::args_os()) {
        lanspread_unpack::worker_main()
    }
}
