//! The program `qewd`: reads the command line, runs the command, and says how it ended.

fn main() -> std::process::ExitCode {
    qewd::command::run()
}
