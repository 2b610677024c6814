# A static program in an empty image; `mockaa ready` is the health check.
FROM rust:1-bookworm AS notices
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY packaging packaging
COPY fixtures/fonts fixtures/fonts
RUN mkdir src benches && touch src/lib.rs src/main.rs benches/ratios.rs && packaging/notices.sh /THIRD-PARTY-LICENSES.txt

FROM rust:1-bookworm AS build
WORKDIR /src
ENV CARGO_TERM_COLOR=never
COPY Cargo.toml Cargo.lock ./
COPY packaging/static.toml packaging/name_service.c packaging/image-build.sh packaging/
# The dependencies, with empty sources: a change of the sources does not compile them again.
RUN mkdir src benches \
    && touch src/lib.rs \
    && echo 'fn main() {}' | tee src/main.rs > benches/ratios.rs \
    && packaging/image-build.sh \
    && rm -r src benches
COPY askama.toml ./
COPY src src
COPY fixtures fixtures
COPY scenarios scenarios
COPY benches benches
RUN touch src/lib.rs src/main.rs && packaging/image-build.sh
# The folder of temporary files: a workbook is made in it.
RUN mkdir -p /image/tmp && chmod 1777 /image/tmp && mv /mockaa /image/mockaa
COPY LICENSE /image/LICENSE
COPY --from=notices /THIRD-PARTY-LICENSES.txt /image/THIRD-PARTY-LICENSES.txt

FROM scratch
ARG SOURCE=
LABEL org.opencontainers.image.title="mockaa" \
    org.opencontainers.image.description="A local stand-in for an Indian Account Aggregator" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.source="$SOURCE"
COPY --from=build /image/ /
# No user of the image has a name, a password or a home.
USER 65532:65532
EXPOSE 8080
# Beyond loopback the control API requires a token: set MOCKAA_TOKEN, or read the token from the ready line.
ENV MOCKAA_BIND=0.0.0.0
# It asks the port of MOCKAA_PORT.
HEALTHCHECK --interval=5s --timeout=6s --start-period=2s CMD ["/mockaa", "ready"]
ENTRYPOINT ["/mockaa"]
CMD ["serve"]
