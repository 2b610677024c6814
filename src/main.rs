//! The `mockaa` binary; everything is in the library.

use std::pin::Pin;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    // The runtime has three loops that wait for its main future. Without its type, they share one compiled form of it.
    let run: Pin<Box<dyn Future<Output = ExitCode>>> = Box::pin(mockaa::cli::run());
    run.await
}
