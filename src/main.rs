//! The `mockaa` binary; everything is in the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    mockaa::cli::run().await
}
