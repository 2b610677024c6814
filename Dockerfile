# Two stages: a Rust toolchain builds, a bare Debian runs. The program checks its own health.
FROM rust:1-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock askama.toml ./
COPY src src
COPY fixtures fixtures
COPY scenarios scenarios
COPY benches benches
RUN cargo build --locked --profile dist --bin mockaa

# The CA certificates are for FIUs behind https; the user has no rights, no password and no home.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --uid 65532 mockaa
COPY --from=build /src/target/dist/mockaa /usr/local/bin/mockaa
USER mockaa
EXPOSE 8080
# Beyond loopback the control API asks for a token: set MOCKAA_TOKEN, or read it from the ready line.
ENV MOCKAA_BIND=0.0.0.0
HEALTHCHECK --interval=5s --timeout=6s --start-period=2s CMD ["mockaa", "ready"]
ENTRYPOINT ["mockaa"]
CMD ["serve"]
