//! The program `qewd`: reads the command line, runs the command, and says how it ended.

/// Each request allocates on one thread and frees on another, which the C library's allocator answers with locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    qewd::command::run()
}
