# Two stages: a Rust toolchain builds the program, a slim Debian image runs it. `mockaa ready` is the health check.
FROM rust:1-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock askama.toml ./
COPY src src
COPY fixtures fixtures
COPY scenarios scenarios
COPY benches benches
RUN cargo build --locked --profile dist --bin mockaa

# FIUs with https addresses need the CA certificates. The user has no privileges, no password and no home.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --uid 65532 mockaa
COPY --from=build /src/target/dist/mockaa /usr/local/bin/mockaa
USER mockaa
EXPOSE 8080
# Beyond loopback the control API requires a token: set MOCKAA_TOKEN, or read the token from the ready line.
ENV MOCKAA_BIND=0.0.0.0
HEALTHCHECK --interval=5s --timeout=6s --start-period=2s CMD ["mockaa", "ready"]
ENTRYPOINT ["mockaa"]
CMD ["serve"]
