# Two stages: a Rust toolchain builds, a bare Debian runs. No shell is needed to check its health.
FROM rust:1-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock askama.toml ./
COPY src src
COPY fixtures fixtures
COPY scenarios scenarios
COPY benches benches
RUN cargo build --locked --profile dist --bin mockaa

# distroless/cc: glibc and CA certificates, no shell, and a user without rights (65532).
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/dist/mockaa /usr/local/bin/mockaa
USER nonroot
EXPOSE 8080
# Beyond loopback the control API asks for a token: set MOCKAA_TOKEN, or read it from the ready line.
ENV MOCKAA_BIND=0.0.0.0
HEALTHCHECK --interval=5s --timeout=6s --start-period=2s CMD ["mockaa", "ready"]
ENTRYPOINT ["mockaa"]
CMD ["serve"]
