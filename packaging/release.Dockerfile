# The image of a release, from the programs of its archives: a folder for each processor. The other Dockerfile compiles one.
FROM scratch
ARG TARGETARCH
ARG SOURCE=
LABEL org.opencontainers.image.title="mockaa" \
    org.opencontainers.image.description="A local stand-in for an Indian Account Aggregator" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.source="$SOURCE"
COPY ${TARGETARCH}/ /
USER 65532:65532
EXPOSE 8080
ENV MOCKAA_BIND=0.0.0.0
HEALTHCHECK --interval=5s --timeout=6s --start-period=2s CMD ["/mockaa", "ready"]
ENTRYPOINT ["/mockaa"]
CMD ["serve"]
